// SPDX-License-Identifier: BSD-2-Clause
//
// An identity provider on a loopback port: oidc-provider with JWT access tokens and the device flow
// for people.
//
//   node idp.mjs SETTINGS.json
//
// settings: issuer    what it calls itself, which is also where it listens
//           tls       {key, cert}: files, for an issuer with https
//           keys      kid → algorithm: the signing keys, of which the first of an algorithm signs
//           max_age   the seconds that it lets caches keep its keys; may be left out
//           requests  a file that gets a line of JSON for each request
//           clients   id → {alg, ttl, claims}: how its access tokens are signed, the seconds they
//                     live, and the claims of tokens that the client gets for itself
//           accounts  login → claims of that person's access tokens
//
// Reads lines of JSON from its standard input. {"keys": …}: it goes on with these keys, the new ones
// made, the others kept as they were, and prints a line {"kids": […]}, as it does when it is ready.
// {"sign": CLAIMS}: it prints {"token": …}, these claims signed by its first ES256 key, for tokens that
// no provider gives out. Ends when its standard input does.
import { createPrivateKey, generateKeyPairSync, sign, webcrypto } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createInterface } from 'node:readline';

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

const KEY_TYPES = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  RS256: ['rsa', { modulusLength: 2048 }],
  EdDSA: ['ed25519', undefined],
};

const madeKeys = new Map();

function signingKey(kid, alg) {
  if (!madeKeys.has(kid)) {
    const { privateKey } = generateKeyPairSync(...KEY_TYPES[alg]);
    madeKeys.set(kid, { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid });
  }
  return madeKeys.get(kid);
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

function configuration({ clients, accounts }, keys) {
  return {
    clients: Object.keys(clients).map(clientMetadata),
    jwks: { keys: Object.entries(keys).map(([kid, alg]) => signingKey(kid, alg)) },
    scopes: ['login'],
    enabledJWA: { idTokenSigningAlgValues: [...new Set(Object.values(keys))] },
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

function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function signed(claims) {
  const key = [...madeKeys.values()].find(({ alg }) => alg === 'ES256');
  const text = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })}.${encode(claims)}`;
  const how = { key: createPrivateKey({ key, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  return `${text}.${sign('sha256', text, how).toString('base64url')}`;
}

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
let current;

function go(keys) {
  const provider = new Provider(settings.issuer, configuration(settings, keys));
  provider.on('server_error', (ctx, error) => console.error(error));
  current = provider.callback();
  console.log(JSON.stringify({ kids: Object.keys(keys) }));
}

function serve(request, response) {
  const { method, url, headers } = request;
  appendFileSync(settings.requests, `${JSON.stringify({ method, url, headers })}\n`);
  if (settings.max_age !== undefined) {
    response.setHeader('cache-control', `max-age=${settings.max_age}`);
  }
  current(request, response);
}

const { port, protocol } = new URL(settings.issuer);
const server = protocol === 'https:'
  ? createTlsServer(
    { key: readFileSync(settings.tls.key), cert: readFileSync(settings.tls.cert) }, serve)
  : createServer(serve);
server.listen(port || 443, '127.0.0.1', () => go(settings.keys));

function obey({ keys, sign: claims }) {
  if (keys) {
    go(keys);
  } else {
    console.log(JSON.stringify({ token: signed(claims) }));
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => obey(JSON.parse(line)))
  .on('close', () => process.exit(0));
