// What was said so far.
const guests = [];

export function load({ url }) {
  return { name: url.searchParams.get("name") ?? "SvelteKit", guests };
}

export const actions = {
  default: async ({ request }) => {
    guests.push((await request.formData()).get("name"));
  },
};
