//! Code for an MCP server, with this environment's values filled in; the same code as in docs/mcp.md.

use countersign_pages::dashboard::Snippet;
use countersign_protocol::model::OAuthResource;

/// Placeholder if there is no resource yet.
const RESOURCE: &str = "https://mcp.example.com/mcp";

/// The snippets, for the default resource or else the first one.
pub fn of(issuer: &str, resources: &[OAuthResource]) -> Vec<Snippet> {
    let chosen = resources.iter().find(|known| known.default).or(resources.first());
    let resource = chosen.map_or(RESOURCE, |known| known.uri.as_str());
    let (metadata, metadata_url) = well_known(resource);
    let document = format!(
        "# GET {metadata_url}\n{{\"resource\": \"{resource}\", \"authorization_servers\": [\"{issuer}\"],\n \"scopes_supported\": [\"openid\", \"profile\", \
         \"offline_access\"]}}\n\n# Without a valid token:\nHTTP/1.1 401 Unauthorized\nWWW-Authenticate: Bearer \
         resource_metadata=\"{metadata_url}\""
    );
    let node = format!(
        "import {{ InvalidTokenError }} from '@modelcontextprotocol/sdk/server/auth/errors.js';\n\
         import {{ requireBearerAuth }} from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';\n\
         import {{ createRemoteJWKSet, jwtVerify }} from 'jose';\n\n\
         const issuer = '{issuer}';\nconst resource = '{resource}'; // byte for byte\n\
         const keys = createRemoteJWKSet(new URL(`${{issuer}}/oauth2/jwks`));\n\n\
         async function verifyAccessToken(token) {{\n  try {{\n    \
         const {{ payload }} = await jwtVerify(token, keys, {{ issuer, audience: resource }});\n    \
         const {{ sub, client_id, org_id, scope = '', exp }} = payload;\n    \
         return {{ token, clientId: client_id, scopes: scope.split(' '), expiresAt: exp, extra: {{ sub, org_id }} }};\n  \
         }} catch (error) {{\n    throw new InvalidTokenError(error.message);\n  }}\n}}\n\n\
         app.get('{metadata}', (request, response) => {{\n  \
         response.set('Access-Control-Allow-Origin', '*').json({{\n    resource, authorization_servers: [issuer],\n    \
         scopes_supported: ['openid', 'profile', 'offline_access'],\n  }});\n}});\n\
         const authenticated = requireBearerAuth({{ verifier: {{ verifyAccessToken }}, resourceMetadataUrl: '{metadata_url}' }});"
    );
    let python = format!(
        "import jwt  # PyJWT[crypto]\n\nISSUER, RESOURCE = '{issuer}', '{resource}'\nkeys = \
         jwt.PyJWKClient(f'{{ISSUER}}/oauth2/jwks')\n\ndef verify(token):\n    key = keys.get_signing_key_from_jwt(token).key\n    return \
         jwt.decode(token, key, algorithms=['RS256', 'ES256', 'EdDSA'],\n                      issuer=ISSUER, audience=RESOURCE)"
    );
    let check = format!(
        "# Acts like an unknown client, step by step, and says what is wrong.\ncountersign doctor mcp {resource}"
    );
    vec![
        Snippet { label: "Where tokens come from", code: document },
        Snippet { label: "Node: MCP SDK and jose", code: node },
        Snippet { label: "Python: PyJWT", code: python },
        Snippet { label: "Does it work?", code: check },
    ]
}

/// Where clients look for a resource's metadata (RFC 9728 §3.1): the path and the full URL.
fn well_known(resource: &str) -> (String, String) {
    const FOLDER: &str = "/.well-known/oauth-protected-resource";
    match url::Url::parse(resource) {
        Ok(url) if url.has_host() => {
            let path = format!("{FOLDER}{}", url.path().trim_end_matches('/'));
            (path.clone(), format!("{}{path}", url.origin().ascii_serialization()))
        }
        _ => (FOLDER.to_owned(), FOLDER.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_of_a_resource_is_where_clients_look() {
        let check = |resource: &str, expected: &str| assert_eq!(well_known(resource).1, expected, "{resource}");
        check("https://mcp.example.com/mcp", "https://mcp.example.com/.well-known/oauth-protected-resource/mcp");
        check("https://mcp.example.com", "https://mcp.example.com/.well-known/oauth-protected-resource");
        check("https://mcp.example.com/", "https://mcp.example.com/.well-known/oauth-protected-resource");
        check("http://localhost:3000/a/b/", "http://localhost:3000/.well-known/oauth-protected-resource/a/b");
    }
}
