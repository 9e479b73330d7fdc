// Placeholder of the next change.
export {};
