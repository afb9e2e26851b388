// Where every page of the table can be looked at, on the site of every state.
import { ROUTES } from "./routes.js";
import { ADMINISTRATOR, VIEWER } from "./site.js";

export const STATES = ["pending", "building", "ready", "failed", "cancelled", "expired", "deleted", "zero"];

// What the examples do not show.
const MORE = {
  "exports-none": "/sg-admin/exports?q=nothing+like+it",
  "exports-fault": "/sg-admin/exports?status=lost",
  nowhere: "/sg-admin/exports/99999",
  "subject-filter": "/sg-admin/subjects/customers?open=filter",
  "subject-columns": "/sg-admin/subjects/customers?open=columns&scope.city=Lyon",
  "subject-none": "/sg-admin/subjects/customers?q=nobody",
  "action-none": "/sg-admin/subjects/orders/actions/refund?ids=99",
  "subject-empty": "/sg-admin/subjects/nothing",
  "wizard-conditions": '/sg-admin/exports/new?subject=customers&filter={"field":"id","op":"gt","value":0}',
  "wizard-fields": "/sg-admin/exports/new/fields?subject=customers",
  "wizard-table": "/sg-admin/exports/new/review?subject=customers&format=xlsx",
  "wizard-none": "/sg-admin/exports/new/review?subject=nothing&format=csv",
  "wizard-faults": "/sg-admin/exports/new/review?subject=orders&format=csv&time_zone=Europe/Berln&option.delimiter=xx",
  "activity-filtered": "/sg-admin/activity?subject=orders&outcome=done&from=2026-01-01",
  "activity-none": "/sg-admin/activity?actor=nobody@example.com",
  "activity-fault": "/sg-admin/activity?export=many",
  "schedule-paused": "/sg-admin/cron/2",
  "schedule-times": "/sg-admin/cron/1?when.is=monthly&when.time=07:30&when.day=L&when.zone=Europe/Berlin",
  "schedule-faults": "/sg-admin/cron/1?when.is=cron&when.cron=every+day&when.zone=Europe/Berln",
  "wizard-when": '/sg-admin/exports/new/notify?subject=orders&format=csv&schedule={"cron":"0 6 * * 1","time_zone":"Europe/Berlin"}',
  "operator-other": "/sg-admin/operators/2",
  "operator-disabled": "/sg-admin/operators/3",
  "operator-disable-other": "/sg-admin/operators/2/disable",
};
// Pages that are an answer to something wrong; every other one is found.
const ANSWERS = { "exports-fault": 422, nowhere: 404, "action-none": 422, "wizard-faults": 422, "activity-fault": 422, "schedule-faults": 422 };

// Name, path and status of each: the examples of the table, and what more there is to show.
export function places(site) {
  const examples = ROUTES.filter(({ example }) => example).map(({ name, example }) => [name, own(site, example)]);
  const states = STATES.map((state) => [`export-${state}`, `/sg-admin/exports/${site.jobs[state]}`]);
  const all = [...examples, ...states, ...Object.entries(MORE)];
  return all.map(([name, path]) => ({ name, path, status: ANSWERS[name] ?? 200 }));
}

// An example speaks of export 1; here it is the one that is ready. So with what an action came to, and
// with what waits for approval.
const own = (site, example) =>
  example
    .replace("/exports/1", `/exports/${site.jobs.ready}`)
    .replace("/runs/1", `/runs/${site.ran}`)
    .replace("/approvals/1", `/approvals/${site.waiting}`);

// The kinds of emptiness: who meets each where, and the words by which it is known.
export const EMPTY = [
  { kind: "first use", email: VIEWER, path: () => "/sg-admin/exports", words: "No exports yet" },
  { kind: "no match", email: ADMINISTRATOR, path: () => "/sg-admin/exports?q=nothing+like+it", words: "No export matches" },
  { kind: "no permission", email: VIEWER, path: () => "/sg-admin/settings", words: "settings.manage" },
  { kind: "nothing to export", email: VIEWER, path: () => "/sg-admin/exports/new", words: "There is nothing you may export" },
  { kind: "expired", email: ADMINISTRATOR, path: ({ jobs }) => `/sg-admin/exports/${jobs.expired}`, words: "The file was removed" },
  { kind: "zero rows", email: ADMINISTRATOR, path: ({ jobs }) => `/sg-admin/exports/${jobs.zero}`, words: "No row matched" },
];
