export const dynamic = "force-dynamic";

// Lets the slow pages go on, and says how many.
export async function POST(request) {
  const told = await request.text();
  const waiting = globalThis.waiting ?? [];
  globalThis.waiting = [];
  for (const resolve of waiting) resolve(told);
  return Response.json({ waiting: waiting.length });
}
