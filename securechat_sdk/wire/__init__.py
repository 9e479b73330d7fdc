"""The vocabulary of the live protocol and of refusals: data only, shared by server and clients."""
