// BullMQ: `node peer_bullmq.mjs queue N | due N AT | spread FIRST N | work`, on the Redis of BENCH_REDIS.
// BENCH_NODE names the folder whose node_modules has bullmq and ioredis.
import { createRequire } from "node:module";
import { appendFileSync } from "node:fs";

const require = createRequire(`${process.env.BENCH_NODE}/`);
const { Queue, Worker } = require("bullmq");
const IORedis = require("ioredis");

const connection = new IORedis(process.env.BENCH_REDIS, { maxRetriesPerRequest: null });
const [verb, ...numbers] = process.argv.slice(2);
const CHUNK = 500;

async function noop(job) {
  const now = Date.now() / 1000;
  if (job.data.due) appendFileSync(process.env.BENCH_TRACE, `${job.data.due} ${now}\n`);
  return 1;
}

async function fill(count, make) {
  const queue = new Queue("noop", { connection });
  for (let start = 0; start < count; start += CHUNK) {
    const jobs = [];
    for (let n = start; n < Math.min(start + CHUNK, count); n++) jobs.push(make(n));
    await queue.addBulk(jobs);
  }
  await queue.close();
  connection.disconnect();
}

const delayed = (at, data) => ({ name: "noop", data, opts: { delay: Math.max(0, Math.round(at * 1000) - Date.now()) } });

if (verb === "work") {
  new Worker("noop", noop, { connection, concurrency: 1 });
} else if (verb === "queue") {
  await fill(Number(numbers[0]), () => ({ name: "noop", data: {} }));
} else if (verb === "due") {
  await fill(Number(numbers[0]), () => delayed(Number(numbers[1]), {}));
} else {
  const first = Number(numbers[0]);
  const at = (n) => Math.round((first + n + ((n * 0.618) % 1)) * 1000) / 1000; // as work.instants
  await fill(Number(numbers[1]), (n) => delayed(at(n), { due: at(n) }));
}
