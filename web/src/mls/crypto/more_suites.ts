// The suites that WebCrypto cannot do: X448, Ed448 and ChaCha20-Poly1305, about 20 KB more.
//
// Importing this module makes them known.

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed448, x448 } from "@noble/curves/ed448.js";
import { copyOf, randomBytes } from "../../bytes.ts";
import { keyOf } from "../bytes_sets.ts";
import { DecryptionFailed, InvalidKey, InvalidSignature } from "../errors.ts";
import { AES_256_GCM, type Aead } from "./aead.ts";
import { SHA256, SHA512 } from "./hash.ts";
import { type Curve, DHKEM_X25519, DhKem } from "./kem.ts";
import { formsOf } from "./low_order.ts";
import { asSignaturePrivateKey } from "./secrets.ts";
import { ED25519, type SignatureScheme, checkPoints } from "./signatures.ts";
import { CipherSuite, registerSuites } from "./suites.ts";

const X448_SIZE = 56;
const ED448_SIZE = 57;
const NOTHING = new Uint8Array(0);

const CHACHA20_POLY1305: Aead = {
  hpkeId: 0x0003,
  keySize: 32,
  nonceSize: 12,
  async seal(key, nonce, aad, plaintext) {
    return copyOf(chacha20poly1305(key, nonce, aad).encrypt(plaintext));
  },
  async open(key, nonce, aad, ciphertext) {
    try {
      return copyOf(chacha20poly1305(key, nonce, aad).decrypt(ciphertext));
    } catch {
      throw new DecryptionFailed();
    }
  },
};

const PRIME_448 = 2n ** 448n - 2n ** 224n - 1n;
const LOW_ORDER_X448 = formsOf([0n, 1n, PRIME_448 - 1n], PRIME_448, { bits: 448, size: X448_SIZE });
const LOW_ORDER_ED448 = formsOf([0n, 1n, PRIME_448 - 1n], PRIME_448, { bits: 455, size: ED448_SIZE });

const X448: Curve = {
  privateSize: X448_SIZE,
  async checkPublic(key) {
    if (key.length !== X448_SIZE || LOW_ORDER_X448.has(keyOf(key))) throw new InvalidKey();
  },
  async publicOf(key) {
    if (key.length !== X448_SIZE) throw new InvalidKey();
    return copyOf(x448.getPublicKey(key));
  },
  async exchange(key, peer) {
    if (key.length !== X448_SIZE || peer.length !== X448_SIZE) throw new InvalidKey();
    try {
      return copyOf(x448.getSharedSecret(key, peer));
    } catch {
      throw new InvalidKey(); // the all-zero secret of a low-order point
    }
  },
  async ephemeral() {
    const key = randomBytes(X448_SIZE);
    return { public: await X448.publicOf(key), exchange: (peer) => X448.exchange(key, peer) };
  },
  derivePrivate: (expand) => expand("sk", NOTHING, X448_SIZE),
};

const ED448: SignatureScheme = {
  generate: async () => asSignaturePrivateKey(randomBytes(ED448_SIZE)),
  async publicKeyOf(key) {
    if (key.length !== ED448_SIZE) throw new InvalidKey();
    return copyOf(ed448.getPublicKey(key));
  },
  async checkPublicKey(key) {
    if (key.length !== ED448_SIZE) throw new InvalidKey();
    checkPoints(LOW_ORDER_ED448, key, NOTHING);
  },
  async sign(key, data) {
    if (key.length !== ED448_SIZE) throw new InvalidKey();
    return copyOf(ed448.sign(data, key));
  },
  async verify(key, signature, data) {
    if (key.length !== ED448_SIZE) throw new InvalidKey();
    checkPoints(LOW_ORDER_ED448, key, signature);
    let isValid = false;
    try {
      isValid = ed448.verify(signature, data, key, { zip215: false });
    } catch {
      throw new InvalidSignature();
    }
    if (!isValid) throw new InvalidSignature();
  },
};

const DHKEM_X448 = new DhKem(0x0021, X448, SHA512);

// prettier-ignore
registerSuites(
  new CipherSuite(0x0003, "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
    DHKEM_X25519, CHACHA20_POLY1305, SHA256, ED25519),
  new CipherSuite(0x0004, "MLS_256_DHKEMX448_AES256GCM_SHA512_Ed448",
    DHKEM_X448, AES_256_GCM, SHA512, ED448),
  new CipherSuite(0x0006, "MLS_256_DHKEMX448_CHACHA20POLY1305_SHA512_Ed448",
    DHKEM_X448, CHACHA20_POLY1305, SHA512, ED448),
);
