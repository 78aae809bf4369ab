import { Form, useLoaderData } from "@remix-run/react";
import { redirect } from "@remix-run/node";

// What was said so far.
const guests = [];

export function loader({ request }) {
  return { name: new URL(request.url).searchParams.get("name") ?? "Remix", guests };
}

export async function action({ request }) {
  guests.push((await request.formData()).get("name"));
  return redirect("/");
}

export default function Page() {
  const { name, guests } = useLoaderData();
  return (
    <main>
      <h1>{`Hello from ${name}`}</h1>
      <Form method="post">
        <input name="name" />
        <button>Sign</button>
      </Form>
      <ul>{guests.map((guest, at) => <li key={at}>{guest}</li>)}</ul>
    </main>
  );
}
