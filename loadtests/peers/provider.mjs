// The npm package `oidc-provider`, keeping everything in memory, for the comparison in `make bench`. Started by peer.py:
//   node provider.mjs <port> <client secret>
// Two clients of one secret: `backend` gets ES256 JWT access tokens for its resource, `opaque` gets references that can be introspected.
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

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [machine('backend'), machine('opaque')],
  jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'bench', use: 'sig', alg: 'ES256' }] },
  scopes: ['license.lookup'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
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
provider.listen(Number(port), '127.0.0.1');
