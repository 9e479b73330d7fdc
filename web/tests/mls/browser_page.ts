// The page around the Workers: `ask` hands one of them a request and resolves to the answer.

declare global {
  interface Window {
    trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } };
    ask?: (request: unknown, script?: string) => Promise<unknown>;
  }
}

const policy = window.trustedTypes?.createPolicy("securechat", { createScriptURL: (url: string) => url });
const workers = new Map<string, Worker>();

function workerOf(script: string): Worker {
  const url = `/${script}.js`;
  const worker = workers.get(script) ?? new Worker(policy?.createScriptURL(url) ?? url, { type: "module" });
  workers.set(script, worker);
  return worker;
}

window.ask = (request, script = "browser_worker") =>
  new Promise((resolve, reject) => {
    const worker = workerOf(script);
    worker.onmessage = ({ data }: MessageEvent<unknown>) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(request);
  });

export {};
