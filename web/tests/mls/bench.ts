// What each operation costs, in milliseconds: `npm run bench -- SUITE MEMBERS...`.

import process from "node:process";
import { measure } from "./measure.ts";

const [suite = "1", ...sizes] = process.argv.slice(2);
for (const members of sizes.length > 0 ? sizes : ["10", "100"]) {
  const { milliseconds } = await measure(Number(suite), Number(members));
  console.log(JSON.stringify({ suite: Number(suite), members: Number(members), milliseconds }));
}
