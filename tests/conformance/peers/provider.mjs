// The npm package `oidc-provider` with everything switched on that the port asks for. Started by node_provider.py:
//   node provider.mjs <config.json>     config: {port, controlPort, clients, initialAccessToken, rp}
// The control port moves the clock and answers decoupled authentication requests; it is no part of the provider.
import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const issuer = `http://127.0.0.1:${config.port}`;

let offset = 0;
const realNow = Date.now;
Date.now = () => realNow() + offset;

const keys = [];
for (const [alg, use] of [['ES256', 'sig'], ['RS256', 'sig'], ['PS256', 'sig'], ['EdDSA', 'sig'], ['ECDH-ES', 'enc'], ['RSA-OAEP-256', 'enc']]) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, ...(alg === 'EdDSA' ? { crv: 'Ed25519' } : {}) });
  keys.push({ ...(await exportJWK(privateKey)), kid: `${use}-${alg}`, use, ...(alg === 'EdDSA' ? {} : { alg }) });
}

const certificateOf = (ctx) => {
  const header = ctx.get('x-client-certificate');
  return header ? new X509Certificate(decodeURIComponent(header)) : undefined;
};
const isHigh = (client) => /^rp-(high|signed)/.test(client?.clientId ?? '');
const decoupled = new Map();

const claimsOf = (sub) => ({
  sub,
  name: 'Zhao Jing',
  given_name: 'Jing',
  family_name: 'Zhao',
  nickname: 'Jing',
  updated_at: 1700000000,
  email: 'zhaojing@rp.test',
  email_verified: true,
  phone_number: '+8613920000000',
  phone_number_verified: true,
  address: { formatted: 'Qingyu' },
});

const provider = new Provider(issuer, {
  clients: config.clients,
  jwks: { keys },
  // Its guard against special-use addresses would keep it from the loopback address at which the relying party listens.
  // config.rp: the relying party's public address, and that of its listener
  fetch: (url, options) => fetch(String(url).replace(config.rp[0], config.rp[1]), { ...options, dispatcher: undefined }),
  clientBasedCORS: () => false,
  acrValues: ['1'],
  scopes: ['openid', 'offline_access', 'realname'],
  claims: {
    openid: ['sub'],
    profile: ['name', 'given_name', 'family_name', 'nickname', 'updated_at'],
    email: ['email', 'email_verified'],
    phone: ['phone_number', 'phone_number_verified'],
    address: ['address'],
    acr: null, amr: null, auth_time: null, iss: null, sid: null,
  },
  conformIdTokenClaims: true,
  // A request that comes as a POST from the client's own site carries no lax cookies.
  enableHttpPostMethods: true,
  cookies: { long: { sameSite: 'none' }, short: { sameSite: 'none' }, keys: ['not a secret: nothing here outlives the test'] },
  discovery: { claim_types_supported: ['normal'] },
  responseTypes: ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token', 'none'],
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
  subjectTypes: ['public', 'pairwise'],
  pairwiseIdentifier: async (ctx, account, client) => createHash('sha256').update(`${client.sectorIdentifier}:${account}`).digest('hex'),
  pkce: { required: (ctx, client) => isHigh(client) },
  findAccount: async (ctx, sub) => ({ accountId: sub, claims: async () => claimsOf(sub) }),
  features: {
    backchannelLogout: { enabled: true },
    ciba: {
      enabled: true,
      deliveryModes: ['poll', 'ping'],
      processLoginHint: async (ctx, hint) => hint,
      processLoginHintToken: async () => undefined,
      verifyUserCode: async () => undefined,
      validateRequestContext: async () => undefined,
      validateBindingMessage: async () => undefined,
      triggerAuthenticationDevice: async (ctx, request, account) => { decoupled.set(request.jti, { request, account }); },
    },
    claimsParameter: { enabled: true },
    devInteractions: { enabled: true },
    dPoP: { enabled: true, requireNonce: () => false, nonceSecret: createHash('sha256').update(randomUUID()).digest() },
    encryption: { enabled: true },
    fapi: { enabled: true, profile: (ctx, client) => (isHigh(client) || /^rp-ciba/.test(client?.clientId ?? '') ? '2.0' : undefined) },
    introspection: { enabled: true },
    jwtIntrospection: { enabled: true },
    jwtResponseModes: { enabled: true },
    jwtUserinfo: { enabled: true },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: certificateOf,
      certificateAuthorized: () => true,
      certificateSubjectMatches: (ctx, property, expected) =>
        property === 'tls_client_auth_subject_dn' && certificateOf(ctx)?.subject.split('\n').join(',') === expected,
    },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: false },
    registration: { enabled: true, initialAccessToken: config.initialAccessToken },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
    requestObjects: { enabled: true, mode: 'strict' },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  enabledJWA: {
    requestObjectSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
  },
  ttl: { PushedAuthorizationRequest: 60, AuthorizationCode: 60 },
});
for (const event of ['server_error', 'backchannel.error']) provider.on(event, (ctx, error) => console.error(event, error));

// A client that answers a ping badly makes `backchannelResult` reject, which ends nothing here.
process.on('unhandledRejection', (error) => console.error(error));
const control = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://control');
  let answer = {};
  if (url.pathname === '/clock') {
    offset = Number(url.searchParams.get('offset')) * 1000;
  } else if (url.pathname === '/decide') {
    const id = url.searchParams.get('auth_req_id');
    const { request: waiting, account } = decoupled.get(id);
    if (url.searchParams.get('agree') === 'true') {
      const grant = new provider.Grant({ clientId: waiting.clientId, accountId: account.accountId });
      grant.addOIDCScope(waiting.scope);
      await grant.save();
      await provider.backchannelResult(waiting, grant, { acr: '1' }).catch(console.error);
    } else {
      const { AccessDenied } = await import('oidc-provider').then((module) => module.errors);
      await provider.backchannelResult(waiting, new AccessDenied('refused by the person'));
    }
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});

control.listen(config.controlPort, '127.0.0.1', () => provider.listen(config.port, '127.0.0.1'));
