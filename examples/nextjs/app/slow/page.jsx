import { Suspense } from "react";

export const dynamic = "force-dynamic";

// The page is there at once; what takes long follows in the same answer.
export default function Page() {
  return (
    <main>
      <h1>Slow</h1>
      <Suspense fallback={<p>Waiting…</p>}>
        <Late />
      </Suspense>
    </main>
  );
}

// Ready when somebody asks for /api/go.
async function Late() {
  const told = await new Promise((resolve) => {
    globalThis.waiting = [...(globalThis.waiting ?? []), resolve];
  });
  return <p>{`Here it is: ${told}.`}</p>;
}
