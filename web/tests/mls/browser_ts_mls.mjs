// The figures of ts-mls in a browser's module Worker. Plain JavaScript, as ts_mls_bench.mjs is.

import * as mls from "ts-mls";
import { bench } from "../../../tests/mls/peers/ts_mls_bench.mjs";
import { openKeep } from "./keep.ts";

self.onmessage = async ({ data }) => {
  postMessage(await bench(mls, data, await openKeep("ts-mls")));
};
