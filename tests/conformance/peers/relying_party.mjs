// One sign-in by `openid-client`, which is certified. Started by test_foreign_parties.py:
//   node relying_party.mjs     one JSON object a line in, one out
// in:  {issuer, clientId, secret?, privateJwk?, certificate?, policy, redirectUri, scope, postLogoutRedirectUri}   out: {url}
// in:  {callback}  the address at which the browser came back                                                        out: {claims, userinfo, ...}
import { createInterface } from 'node:readline';

import { importJWK } from 'jose';
import * as client from 'openid-client';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const write = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

const wanted = await read();
const [kind] = wanted.policy.split(':');
const isHigh = kind === 'high' || kind === 'high-signed';

let authentication = wanted.secret ? client.ClientSecretBasic(wanted.secret) : undefined;
let signingKey;
if (wanted.privateJwk) {
  signingKey = { key: await importJWK(wanted.privateJwk, 'ES256'), kid: wanted.privateJwk.kid };
  authentication = client.PrivateKeyJwt(signingKey);
}
if (wanted.certificate) authentication = client.TlsClientAuth();

const options = { execute: [client.allowInsecureRequests] };
if (wanted.certificate) {
  // What the proxy in front of the provider would pass on of the TLS connection.
  options[client.customFetch] = (url, request) =>
    fetch(url, { ...request, headers: { ...request.headers, ...wanted.certificate } });
}
const metadata = {
  id_token_signed_response_alg: 'ES256',
  authorization_signed_response_alg: 'ES256',
  use_mtls_endpoint_aliases: false,
};
const config = await client.discovery(new URL(wanted.issuer), wanted.clientId, metadata, authentication, options);
client.enableNonRepudiationChecks(config);
if (kind === 'high-signed') client.useJwtResponseMode(config);
if (wanted.policy === 'legacy:hybrid') client.useCodeIdTokenResponseType(config);
if (wanted.policy === 'legacy:implicit') client.useIdTokenResponseType(config);

const verifier = client.randomPKCECodeVerifier();
const checks = { pkceCodeVerifier: verifier, expectedNonce: client.randomNonce(), expectedState: client.randomState() };
const parameters = {
  redirect_uri: wanted.redirectUri,
  scope: wanted.scope,
  state: checks.expectedState,
  nonce: checks.expectedNonce,
  ...(wanted.policy === 'legacy:implicit'
    ? {}
    : { code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', prompt: 'consent' }),
};
const DPoP = isHigh && !wanted.certificate
  ? client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  : undefined;

let url;
if (kind === 'high-signed') {
  const signed = await client.buildAuthorizationUrlWithJAR(config, parameters, signingKey);
  url = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP });
} else if (kind === 'high') {
  url = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
} else {
  url = client.buildAuthorizationUrl(config, parameters);
}
write({ url: url.href });

const { callback } = await read();
const current = new URL(callback);
if (wanted.policy === 'legacy:implicit') {
  const claims = await client.implicitAuthentication(config, current, checks.expectedNonce, {
    expectedState: checks.expectedState,
  });
  write({ claims });
} else {
  const tokens = await client.authorizationCodeGrant(config, current, checks, undefined, { DPoP });
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP });
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  const again = await client.fetchUserInfo(config, refreshed.access_token, claims.sub, { DPoP });
  await client.tokenRevocation(config, refreshed.refresh_token ?? tokens.refresh_token);
  const signOut = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: wanted.postLogoutRedirectUri,
  });
  write({ claims, userinfo, again, tokenType: tokens.token_type, signOut: signOut.href });
}
process.exit(0);
