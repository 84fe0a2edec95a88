//! Code to paste, with this application's values filled in; the same code as in docs/clients.md.

use countersign_pages::dashboard::Snippet;
use countersign_protocol::model::{ApplicationKind, ClientType, ConnectApplication, Environment};
use countersign_protocol::secret::Secret;

/// Placeholder for a secret that is no longer shown.
const SECRET: &str = "YOUR_CLIENT_SECRET";

/// The snippets of an application.
pub fn of(
    environment: &Environment,
    application: &ConnectApplication,
    client_id: &str,
    redirect_uris: &[&str],
    fresh: Option<&Secret>,
) -> Vec<Snippet> {
    let issuer = environment.issuer.as_str();
    let secret = fresh.map_or(SECRET, Secret::expose);
    let redirect_uri = redirect_uris.first().copied().unwrap_or("https://app.example.com/callback");
    let scopes = application.scopes.join(" ");
    match &application.kind {
        ApplicationKind::Machine { .. } => machine(issuer, client_id, secret, &scopes),
        ApplicationKind::OAuth { client_type: ClientType::Confidential, .. } => {
            web(issuer, client_id, secret, redirect_uri, &scopes)
        }
        ApplicationKind::OAuth { client_type: ClientType::Public, .. } => {
            public(issuer, client_id, redirect_uri, &scopes)
        }
    }
}

/// The scopes to request: the standard ones and the application's own.
fn with_own(scopes: &str) -> String {
    ["openid profile email offline_access", scopes].join(" ").trim_end().to_owned()
}

fn machine(issuer: &str, client_id: &str, secret: &str, scopes: &str) -> Vec<Snippet> {
    let scope_form =
        if scopes.is_empty() { String::new() } else { format!(" \\\n  --data-urlencode 'scope={scopes}'") };
    let curl = format!(
        "curl -s {issuer}/oauth2/token \\\n  -d grant_type=client_credentials \\\n  --data-urlencode 'client_id={client_id}' \\\n  \
         --data-urlencode 'client_secret={secret}'{scope_form}"
    );
    let scope_js = if scopes.is_empty() { String::new() } else { format!("scope: '{scopes}'") };
    let insecure_js = if issuer.starts_with("http://") {
        "\n// Plain http, for this machine only.\nconst options = { execute: [client.allowInsecureRequests] };\n"
    } else {
        "\nconst options = {};\n"
    };
    let node = format!(
        "import * as client from 'openid-client';\n{insecure_js}\nconst config = await client.discovery(\n  new URL('{issuer}'), \
         '{client_id}', '{secret}', undefined, options,\n);\nconst {{ access_token }} = await client.clientCredentialsGrant(config, {{ {scope_js} }});"
    );
    let python = format!(
        "from authlib.integrations.requests_client import OAuth2Session\n\nsession = OAuth2Session('{client_id}', '{secret}', \
         scope='{scopes}')\ntoken = session.fetch_token('{issuer}/oauth2/token', grant_type='client_credentials')\n\
         answer = session.get('https://api.example.com/')"
    );
    let go_scopes = go_list(scopes);
    let go = format!(
        "import \"golang.org/x/oauth2/clientcredentials\"\n\nconfig := clientcredentials.Config{{\n\tClientID:     \"{client_id}\",\n\t\
         ClientSecret: \"{secret}\",\n\tTokenURL:     \"{issuer}/oauth2/token\",\n\tScopes:       []string{{{go_scopes}}},\n}}\n\
         httpClient := config.Client(ctx) // gets and renews tokens automatically"
    );
    vec![
        Snippet { label: "curl", code: curl },
        Snippet { label: "Node: openid-client", code: node },
        Snippet { label: "Python: Authlib", code: python },
        Snippet { label: "Go: x/oauth2", code: go },
    ]
}

fn go_list(scopes: &str) -> String {
    scopes.split_whitespace().map(|scope| format!("\"{scope}\"")).collect::<Vec<_>>().join(", ")
}

fn web(issuer: &str, client_id: &str, secret: &str, redirect_uri: &str, own: &str) -> Vec<Snippet> {
    let scopes = with_own(own);
    let insecure_js =
        if issuer.starts_with("http://") { ", undefined, { execute: [client.allowInsecureRequests] }" } else { "" };
    let node = format!(
        "import * as client from 'openid-client';\n\nconst config = await client.discovery(new URL('{issuer}'), '{client_id}', \
         '{secret}'{insecure_js});\nconst redirect_uri = '{redirect_uri}';\n\n// Sign in: keep verifier and state in the session, and \
         redirect.\nconst verifier = client.randomPKCECodeVerifier();\nconst state = client.randomState();\nconst to = \
         client.buildAuthorizationUrl(config, {{\n  redirect_uri, scope: '{scopes}', state,\n  code_challenge: await \
         client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',\n}});\n\n// At the redirect URI:\nconst tokens = \
         await client.authorizationCodeGrant(config, currentUrl, {{\n  pkceCodeVerifier: verifier, expectedState: state,\n}});\n\
         const person = tokens.claims();"
    );
    let omniauth_scopes = scopes.split_whitespace().map(|scope| format!("'{scope}'")).collect::<Vec<_>>().join(", ");
    let omniauth = format!(
        "use OmniAuth::Builder do\n  provider :openid_connect,\n    name: :sign_in,\n    discovery: true,\n    issuer: '{issuer}',\n    \
         pkce: true,\n    scope: [{omniauth_scopes}],\n    client_options: {{\n      identifier: '{client_id}',\n      secret: \
         '{secret}',\n      redirect_uri: '{redirect_uri}',\n    }}\nend"
    );
    let go_scopes = go_list(&scopes);
    let go = format!(
        "provider, err := oidc.NewProvider(ctx, \"{issuer}\") // github.com/coreos/go-oidc/v3\nconfig := oauth2.Config{{\n\tClientID:     \
         \"{client_id}\",\n\tClientSecret: \"{secret}\",\n\tEndpoint:     provider.Endpoint(),\n\tRedirectURL:  \"{redirect_uri}\",\n\t\
         Scopes:       []string{{{go_scopes}}},\n}}\nverifier := oauth2.GenerateVerifier()\nurl := config.AuthCodeURL(state, \
         oauth2.S256ChallengeOption(verifier))\n// At the redirect URI:\ntoken, err := config.Exchange(ctx, code, \
         oauth2.VerifierOption(verifier))"
    );
    let python = format!(
        "from authlib.integrations.flask_client import OAuth\n\noauth = OAuth(app)\noauth.register(\n    'sign_in',\n    \
         server_metadata_url='{issuer}/.well-known/openid-configuration',\n    client_id='{client_id}',\n    client_secret='{secret}',\n    \
         client_kwargs={{'scope': '{scopes}', 'code_challenge_method': 'S256'}},\n)\n\n@app.get('/login')\ndef login():\n    return \
         oauth.sign_in.authorize_redirect('{redirect_uri}')"
    );
    let curl = format!(
        "# Behind the sign-in, with the code that came to {redirect_uri}:\ncurl -s {issuer}/oauth2/token \\\n  -d \
         grant_type=authorization_code -d \"code=$CODE\" -d \"code_verifier=$VERIFIER\" \\\n  --data-urlencode \
         'redirect_uri={redirect_uri}' \\\n  --data-urlencode 'client_id={client_id}' --data-urlencode 'client_secret={secret}'"
    );
    vec![
        Snippet { label: "Node: openid-client", code: node },
        Snippet { label: "Ruby: OmniAuth", code: omniauth },
        Snippet { label: "Go: go-oidc", code: go },
        Snippet { label: "Python: Authlib", code: python },
        Snippet { label: "curl", code: curl },
    ]
}

fn public(issuer: &str, client_id: &str, redirect_uri: &str, own: &str) -> Vec<Snippet> {
    let scopes = with_own(own);
    let browser = format!(
        "import {{ UserManager }} from 'oidc-client-ts';\n\nconst users = new UserManager({{\n  authority: '{issuer}',\n  client_id: \
         '{client_id}',\n  redirect_uri: '{redirect_uri}',\n  scope: '{scopes}',\n}});\n\nawait users.signinRedirect();\n// At the redirect \
         URI:\nconst person = await users.signinCallback();"
    );
    let device = format!(
        "# A command line: show the code, have the person sign in in any browser, and poll until they have.\ncurl -s \
         {issuer}/oauth2/device_authorization \\\n  --data-urlencode 'client_id={client_id}' --data-urlencode 'scope={scopes}'\n\ncurl -s \
         {issuer}/oauth2/token \\\n  -d grant_type=urn:ietf:params:oauth:grant-type:device_code \\\n  --data-urlencode \
         'client_id={client_id}' -d \"device_code=$DEVICE_CODE\""
    );
    let go_scopes = go_list(&scopes);
    let go = format!(
        "provider, err := oidc.NewProvider(ctx, \"{issuer}\") // github.com/coreos/go-oidc/v3\nconfig := oauth2.Config{{\n\tClientID:    \
         \"{client_id}\",\n\tEndpoint:    provider.Endpoint(),\n\tRedirectURL: \"{redirect_uri}\",\n\tScopes:      \
         []string{{{go_scopes}}},\n}}\nverifier := oauth2.GenerateVerifier()\nurl := config.AuthCodeURL(state, \
         oauth2.S256ChallengeOption(verifier))"
    );
    vec![
        Snippet { label: "Browser: oidc-client-ts", code: browser },
        Snippet { label: "Command line: device flow", code: device },
        Snippet { label: "Go: go-oidc", code: go },
    ]
}
