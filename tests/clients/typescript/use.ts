// Uses the generated types as a program of somebody else does. Prints what it has seen, for the test.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Job = components["schemas"]["Job"];

const [baseUrl = "", key = ""] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl, headers: { "X-API-Key": key } });

function good<T>(answer: { data?: T; error?: components["schemas"]["Error"] }): T {
  if (answer.data === undefined) throw new Error(answer.error?.detail ?? "no answer");
  return answer.data;
}

const job: Job = good(
  await api.POST("/scheduler/jobs", {
    body: {
      name: "From TypeScript",
      bot_type: "visitor",
      schedule_type: "daily",
      schedule_config: { hour: 8, minute: 0 },
      bot_config: { dry_run: true, limit: 50 },
      options: { max_retries: 2 },
      labels: { team: "crm" },
    },
  }),
);
const limit: unknown = job.bot_config["limit"];
const path = { job_id: job.id };
const found = good(await api.GET("/scheduler/jobs", { params: { query: { label: ["team:crm"], limit: 10 } } }));
const preview = good(await api.GET("/scheduler/jobs/{job_id}/preview", { params: { path, query: { count: 3 } } }));
const changed = good(
  await api.PUT("/scheduler/jobs/{job_id}", {
    params: { path, query: { dry_run: true } },
    body: { schedule_config: { hour: 9, minute: 0 } },
  }),
);
const fields = "changes" in changed ? Object.keys(changed.changes[0]?.fields ?? {}) : [];
const run = good(await api.POST("/scheduler/jobs/{job_id}/run", { params: { path }, body: { bot_config: { limit: 1 } } }));
const explained = good(
  await api.GET("/scheduler/jobs/{job_id}/explain", { params: { path, query: { at: "08:00" } } }),
);
const refused = await api.POST("/scheduler/jobs", {
  body: { name: "x", bot_type: "visitor", schedule_type: "daily", schedule_config: { hour: 24, minute: 0 } },
});
// @ts-expect-error: there is no such type of schedules.
const wrong: components["schemas"]["CreateJob"]["schedule_type"] = "hourly";
void wrong;
await api.DELETE("/scheduler/jobs/{job_id}", { params: { path } });
const gone = await api.GET("/scheduler/jobs/{job_id}", { params: { path } });

console.log(
  JSON.stringify({
    name: job.name,
    limit,
    found: found.map((one) => one.name),
    preview: preview.occurrences.length,
    fields,
    run: run.status,
    explained: explained.sentence.length > 0,
    refused: refused.error?.errors?.map((one) => one.field),
    gone: gone.response.status,
  }),
);
