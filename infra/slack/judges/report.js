// What a judge says, a line for each thing that it judged.
"use strict";

const MOST_SHOWN = 8;

let failed = 0;

/** Prints what was judged, and what is wrong with it. */
function verdict(name, problems) {
  failed += problems.length > 0 ? 1 : 0;
  console.log(`${problems.length > 0 ? "✗" : "✓"} ${name}`);
  for (const problem of problems.slice(0, MOST_SHOWN)) {
    console.log(`  ${String(problem).slice(0, 400)}`);
  }
  if (problems.length > MOST_SHOWN) {
    console.log(`  and ${problems.length - MOST_SHOWN} more`);
  }
}

/** The exit code. */
function report() {
  return failed > 0 ? 1 : 0;
}

module.exports = { verdict, report };
