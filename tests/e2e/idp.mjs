// SPDX-License-Identifier: BSD-2-Clause
//
// An identity provider on a loopback port: oidc-provider with JWT access tokens, one signing key
// for each of ES256, RS256 and EdDSA, and the device flow for people.
//
//   node idp.mjs SETTINGS.json
//
// settings: issuer    what it calls itself (the address it is reached by does not matter)
//           clients   id → {alg, ttl, claims}: how its access tokens are signed, the seconds they
//                     live, and the claims of tokens that the client gets for itself
//           accounts  login → claims of that person's access tokens
//
// Prints one line of JSON, {"port": N}, when it is ready. Ends when its standard input does.
import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

// Debian 12 has node 18, which lacks two things that oidc-provider uses when it runs.
globalThis.crypto ??= webcrypto;
URL.parse ??= (url, base) => {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
};

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

// The only secret of clients that ask for tokens of their own, known to tests alone.
const CLIENT_SECRET = 'secret-of-a-test-client';

const KEYS = [
  ['ES256', 'ec', { namedCurve: 'P-256' }],
  ['RS256', 'rsa', { modulusLength: 2048 }],
  ['EdDSA', 'ed25519', undefined],
];

function signingKey([alg, type, options]) {
  const { privateKey } = generateKeyPairSync(type, options);
  const kid = `lab-${alg.toLowerCase()}`;
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid };
}

function clientMetadata(id) {
  return {
    client_id: id,
    client_secret: CLIENT_SECRET,
    grant_types: [DEVICE_GRANT, 'client_credentials'],
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: 'ES256',
  };
}

function configuration({ clients, accounts }) {
  return {
    clients: Object.keys(clients).map(clientMetadata),
    jwks: { keys: KEYS.map(signingKey) },
    scopes: ['login'],
    enabledJWA: { idTokenSigningAlgValues: KEYS.map(([alg]) => alg) },
    ttl: { DeviceCode: 60, Grant: 600, Interaction: 60, Session: 600 },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource, client) => ({
          scope: 'login',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: clients[client.clientId].ttl,
          jwt: { sign: { alg: clients[client.clientId].alg } },
        }),
      },
    },
    findAccount: (ctx, id) =>
      Object.hasOwn(accounts, id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    extraTokenClaims: (ctx, token) =>
      token.accountId ? accounts[token.accountId] : clients[token.clientId].claims,
  };
}

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const provider = new Provider(settings.issuer, configuration(settings));
provider.on('server_error', (ctx, error) => console.error(error));

const server = createServer(provider.callback());
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));

process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
