// What each operation costs, in milliseconds: `npm run bench -- SUITE MEMBERS...`.

import process from "node:process";
import { measure } from "./measure.ts";

const [suite = "1", ...sizes] = process.argv.slice(2);
for (const members of sizes.length > 0 ? sizes : ["10", "100"]) {
  const plan = { suite: Number(suite), members: Number(members), repeats: 7, quick: 10, sizes: [200, 4_000, 64_000] };
  const milliseconds = await measure(plan);
  console.log(JSON.stringify({ suite: Number(suite), members: Number(members), milliseconds }));
}
