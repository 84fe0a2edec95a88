// Ends the run when something does not hold.
export function expect(holds, what) {
  if (holds) return;
  console.error(`FAILED: ${what}`);
  process.exit(1);
}
