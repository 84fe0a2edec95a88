// An Express application whose users sign in through passport, with the strategy that comes with openid-client.

import express from 'express';
import session from 'express-session';
import passport from 'passport';
import * as oauth from 'openid-client';
import { Strategy } from 'openid-client/passport';

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT } = process.env;
const home = `http://localhost:${PORT}/`;

const config = await oauth.discovery(
  new URL(ISSUER), CLIENT_ID, undefined, oauth.ClientSecretBasic(CLIENT_SECRET),
  // A server on this machine speaks plain http, which the library takes only when told.
  { execute: ISSUER.startsWith('http:') ? [oauth.allowInsecureRequests] : [] },
);

passport.use('countersign', new Strategy(
  { config, callbackURL: `${home}callback`, scope: 'openid profile email offline_access' },
  async (tokens, done) => {
    try {
      const person = await oauth.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
      const { access_token, refresh_token, id_token } = tokens;
      done(null, { person, access_token, refresh_token, id_token });
    } catch (error) {
      done(error);
    }
  },
));
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ name: 'passport', secret: 'for this test only', resave: false, saveUninitialized: false }));
app.use(passport.session());
const signedIn = (request, response, next) => (request.isAuthenticated() ? next() : response.redirect('/sign-in'));

app.get('/', (request, response) => {
  response.send(request.user ? `<h1>Hello, ${request.user.person.given_name}</h1>` : '<h1>Nobody is signed in</h1>');
});
app.get('/sign-in', passport.authenticate('countersign'));
app.get('/callback', passport.authenticate('countersign', { successRedirect: '/', failureRedirect: '/refused' }));
app.get('/refused', (request, response) => response.send('<h1>You did not sign in</h1>'));
app.get('/tokens', signedIn, async ({ user }, response) => {
  const introspected = await oauth.tokenIntrospection(config, user.access_token);
  response.json({ ...user, introspected });
});
app.get('/refresh', signedIn, async ({ user }, response) => {
  const { access_token, refresh_token } = await oauth.refreshTokenGrant(config, user.refresh_token);
  Object.assign(user, { access_token, refresh_token });
  response.redirect('/tokens');
});
app.get('/sign-out', signedIn, async (request, response, next) => {
  const { id_token, refresh_token } = request.user;
  await oauth.tokenRevocation(config, refresh_token);
  const onward = oauth.buildEndSessionUrl(config, { id_token_hint: id_token, post_logout_redirect_uri: home });
  request.logout((error) => (error ? next(error) : response.redirect(onward.href)));
});
app.listen(Number(PORT), 'localhost');
