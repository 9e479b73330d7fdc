// The page around the Worker: `ask` hands one request on and resolves to the answer.

declare global {
  interface Window {
    trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } };
    ask?: (request: unknown) => Promise<unknown>;
  }
}

const policy = window.trustedTypes?.createPolicy("securechat", { createScriptURL: (url: string) => url });
const url = "/browser_worker.js";
const worker = new Worker(policy?.createScriptURL(url) ?? url, { type: "module" });

window.ask = (request) =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(request);
  });

export {};
