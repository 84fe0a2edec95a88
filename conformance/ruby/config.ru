# A Rack application whose users sign in through OmniAuth, with the strategy for OpenID Connect.

require 'erb'
require 'omniauth_openid_connect'
require 'rack/protection'

# Discovery builds https addresses. For a server on this machine, which speaks plain http, it must be told otherwise.
SWD.url_builder = URI::HTTP if ENV.fetch('ISSUER').start_with?('http:')

HOME_PAGE = "http://localhost:#{ENV.fetch('PORT')}/".freeze

use Rack::Session::Cookie, key: 'omniauth', secret: 'for this test only, and long enough for a session'
use OmniAuth::Builder do
  provider :openid_connect,
           name: :countersign,
           issuer: ENV.fetch('ISSUER'),
           discovery: true,
           scope: %i[openid profile email offline_access],
           client_options: {
             identifier: ENV.fetch('CLIENT_ID'),
             secret: ENV.fetch('CLIENT_SECRET'),
             redirect_uri: "#{HOME_PAGE}auth/countersign/callback",
           }
end

def page(text) = [200, { 'Content-Type' => 'text/html; charset=utf-8' }, ["<!doctype html><title>Ruby</title>#{text}"]]

run(lambda do |env|
  request = Rack::Request.new(env)
  person = request.session['person']
  case request.path
  when '/auth/countersign/callback'
    auth = env['omniauth.auth']
    request.session['person'] = { 'sub' => auth.uid, **auth.info.slice('name', 'first_name', 'email').to_h }
    request.session['id_token'] = auth.credentials.id_token
    request.session['refresh_token'] = auth.credentials.refresh_token
    [302, { 'Location' => '/' }, []]
  when '/auth/failure'
    page("<h1>You did not sign in</h1><p>#{ERB::Util.h(request.params['message'])}</p>")
  when '/sign-out'
    config = OpenIDConnect::Discovery::Provider::Config.discover!(ENV.fetch('ISSUER'))
    onward = URI(config.end_session_endpoint)
    onward.query = URI.encode_www_form(id_token_hint: request.session['id_token'], post_logout_redirect_uri: HOME_PAGE)
    request.session.clear
    [302, { 'Location' => onward.to_s }, []]
  when '/me'
    [200, { 'Content-Type' => 'application/json' }, [JSON.generate(person)]]
  else
    token = Rack::Protection::AuthenticityToken.token(request.session)
    if person
      page("<h1>Hello, #{ERB::Util.h(person['first_name'])}</h1>")
    else
      # OmniAuth begins a sign-in with a POST that carries the token of the session.
      page("<h1>Nobody is signed in</h1><form method=post action='/auth/countersign'>" \
           "<input type=hidden name=authenticity_token value='#{token}'><button>Sign in</button></form>")
    end
  end
end)
