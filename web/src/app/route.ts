// The address after the `#` and what it asks for.

export type Route =
  | { name: "home" }
  | { name: "login" }
  | { name: "invitation"; token: string | null }
  | { name: "conversation"; id: string }
  | { name: "settings" };

export function parseRoute(hash: string): Route {
  const [, name = "", value = ""] = hash.replace(/^#/, "").split("/");
  switch (name) {
    case "login":
      return { name: "login" };
    case "invitation":
      return { name: "invitation", token: value === "" ? null : value };
    case "conversation":
      return value === "" ? { name: "home" } : { name: "conversation", id: value };
    case "settings":
      return { name: "settings" };
    default:
      return { name: "home" };
  }
}

export function hashOf(route: Route): string {
  switch (route.name) {
    case "home":
      return "#/";
    case "conversation":
      return `#/conversation/${route.id}`;
    case "invitation": // never with its token: the address bar is not a place for secrets
    case "login":
    case "settings":
      return `#/${route.name}`;
  }
}

/** The page to go on to after logging in, when `?next=` names one of this very origin. */
export function nextPage(search: string, origin: string): string | null {
  const wanted = new URLSearchParams(search).get("next");
  if (wanted === null || !/^\/(?![/\\])[\x21-\x7e]*$/.test(wanted)) return null;
  const address = new URL(wanted, origin);
  return address.origin === origin ? address.pathname + address.search + address.hash : null;
}
