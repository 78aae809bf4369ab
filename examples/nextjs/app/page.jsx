import { headers } from "next/headers";

// Rendered for each request: it shows who asks.
export default async function Page({ searchParams }) {
  const { name = "Next.js" } = await searchParams;
  const host = (await headers()).get("host");
  return (
    <main>
      <h1>{`Hello from ${name}`}</h1>
      <p>{`You asked ${host}.`}</p>
    </main>
  );
}
