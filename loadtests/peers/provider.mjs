// The npm package `oidc-provider`, keeping everything in memory, for the comparison in `make bench`. Started by peer.py:
//   node provider.mjs <port> <client secret>
// Three clients of one secret: `backend` gets ES256 JWT access tokens for its resource, `opaque` gets references that can be introspected,
// `app` signs people in at its redirect URI. Anybody may sign in with the secret as password, which is compared and not hashed.
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { errors } from 'oidc-provider';

const [port, secret] = process.argv.slice(2);
const RESOURCE = 'urn:bench:licenses';
const { privateKey } = await generateKeyPair('ES256', { extractable: true });

const machine = (client_id) => ({
  client_id,
  client_secret: secret,
  id_token_signed_response_alg: 'ES256',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
});

const app = {
  client_id: 'app',
  client_name: 'Benchmark app',
  client_secret: secret,
  id_token_signed_response_alg: 'ES256',
  grant_types: ['authorization_code'],
  redirect_uris: ['http://127.0.0.1:9/callback'],
  response_types: ['code'],
};

// What a person agreed to once is remembered, as by its documentation of `loadExistingGrant`.
const agreements = new Map();
const loadExistingGrant = async (ctx) => {
  const { client, session } = ctx.oidc;
  const key = `${client.clientId} ${session.accountId}`;
  const known = session.grantIdFor(client.clientId) ?? agreements.get(key);
  const found = known && (await provider.Grant.find(known));
  if (found) return found;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope('openid profile realname');
  agreements.set(key, await grant.save());
  return grant;
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [machine('backend'), machine('opaque'), app],
  jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'bench', use: 'sig', alg: 'ES256' }] },
  scopes: ['openid', 'license.lookup'],
  claims: { openid: ['sub'], profile: ['name'], realname: ['real_name_level'] },
  findAccount: async (ctx, sub) => ({ accountId: sub, claims: async () => ({ sub, name: '赵静', real_name_level: 3 }) }),
  loadExistingGrant,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx, client) => (client.clientId === 'app' ? undefined : RESOURCE),
      getResourceServerInfo: (ctx, resource, client) => {
        if (resource !== RESOURCE) throw new errors.InvalidTarget();
        return {
          scope: 'license.lookup',
          accessTokenTTL: 300,
          accessTokenFormat: client.clientId === 'backend' ? 'jwt' : 'opaque',
          jwt: { sign: { alg: 'ES256' } },
        };
      },
    },
  },
});

const escaped = (text) => String(text).replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
const page = (client, params, uid, fault = '') => `<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>登录</title>
<style>
body { font-family: sans-serif; margin: 3rem auto; max-width: 24rem }
input, button { display: block; width: 100%; margin: .5rem 0 1rem; padding: .5rem; box-sizing: border-box }
</style>
</head>
<body>
<main>
<h1>登录</h1>
<p>${escaped(client.clientName ?? client.clientId)} (${escaped(new URL(params.redirect_uri).host)})</p>
${fault && `<p role="alert">${escaped(fault)}</p>`}
<form method="post" action="/interaction/${escaped(uid)}" autocomplete="off">
<label>手机号、证件号或用户名<input name="login" value="${escaped(params.login_hint ?? '')}" required></label>
<label>密码<input name="password" type="password" required></label>
<button>登录</button>
</form>
</main>
</body>
</html>
`;

async function formOf(request) {
  const octets = [];
  for await (const some of request) octets.push(some);
  return new URLSearchParams(Buffer.concat(octets).toString());
}

// The sign-in page, which its documentation leaves to whoever runs it.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const { uid, params } = await provider.interactionDetails(ctx.req, ctx.res);
  const client = await provider.Client.find(params.client_id);
  ctx.set('cache-control', 'no-store');
  ctx.type = 'html';
  if (ctx.method !== 'POST') {
    ctx.body = page(client, params, uid);
    return undefined;
  }
  const form = await formOf(ctx.req);
  if (form.get('password') !== secret) {
    ctx.status = 401;
    ctx.body = page(client, params, uid, '用户名或密码不正确');
    return undefined;
  }
  const result = { login: { accountId: form.get('login') } };
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false }));
  ctx.status = 303;
  return undefined;
});
provider.listen(Number(port), '127.0.0.1');
