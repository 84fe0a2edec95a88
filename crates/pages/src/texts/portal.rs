//! The organization's own page.

use super::Texts;
use crate::Language;

texts! { portal_texts:
    portal_machines { "Applications and credentials" "Anwendungen und Zugangsdaten" }
    portal_machines_lead(organization: &str, product: &str) {
        "Programs of {organization} that use {product} on their own, and the secrets they authenticate with."
        "Programme von {organization}, die {product} selbständig nutzen, und die Geheimnisse, mit denen sie sich ausweisen."
    }
    portal_no_machines { "No applications yet" "Noch keine Anwendungen" }
    portal_no_machines_why {
        "A program that calls the API on behalf of your organization has a client ID and a secret. They appear here, whoever creates them."
        "Ein Programm, das die Schnittstelle im Namen Ihrer Organisation aufruft, hat eine Client-ID und ein Geheimnis. Beides erscheint hier, gleich wer es anlegt."
    }
    portal_new_machine { "New application" "Neue Anwendung" }
    portal_machine { "Machine" "Maschine" }
    portal_signs_in { "People sign in to it" "Personen melden sich dort an" }
    portal_client_id { "Client ID" "Client-ID" }
    portal_secret { "Secret" "Geheimnis" }
    portal_new_secret { "New secret" "Neues Geheimnis" }
    portal_most_secrets(count: u32) {
        "An application can have at most {count} secrets. Revoke one to create another."
        "Mehr als {count} Geheimnisse kann eine Anwendung nicht haben. Widerrufen Sie eines, um ein weiteres anzulegen."
    }
    portal_no_secrets { "No secrets: nobody can authenticate as this application." "Keine Geheimnisse: Niemand kann sich als diese Anwendung ausweisen." }
    portal_public { "Keeps no secrets." "Bewahrt keine Geheimnisse auf." }
    portal_keys { "API keys" "API-Schlüssel" }
    portal_keys_lead(organization: &str, product: &str) {
        "Keys that programs of {organization} use to call the API of {product}."
        "Schlüssel, mit denen Programme von {organization} die Schnittstelle von {product} aufrufen."
    }
    portal_no_keys { "No API keys yet" "Noch keine API-Schlüssel" }
    portal_no_keys_why {
        "Every API key of your organization appears here, whoever creates it."
        "Jeder API-Schlüssel Ihrer Organisation erscheint hier, gleich wer ihn anlegt."
    }
    portal_new_key { "New API key" "Neuer API-Schlüssel" }
    portal_key { "Key" "Schlüssel" }
    portal_expires(time: &str) { "Expires {time}" "Läuft ab: {time}" }
    portal_expired { "Expired" "Abgelaufen" }
    portal_access { "Access" "Zugriff" }
    portal_no_access_given { "None" "Keiner" }
    portal_created { "Created" "Angelegt" }
    portal_created_by { "Created by" "Angelegt von" }
    portal_last_used { "Last used" "Zuletzt verwendet" }
    portal_never { "Never" "Nie" }
    portal_by_visitor { "One of your administrators, with a link" "Ihre Verwaltung, über einen Link" }
    portal_by_former { "Somebody who has left" "Jemand, der nicht mehr da ist" }
    portal_act { "Action" "Aktion" }
    portal_revoke { "Revoke" "Widerrufen" }
    portal_revoke_secret { "Revoke this secret" "Dieses Geheimnis widerrufen" }
    portal_revoke_secret_warning {
        "Programs that use it stop working at once, and all tokens issued with it are revoked. This cannot be undone."
        "Programme, die es verwenden, funktionieren sofort nicht mehr, und jedes damit erhaltene Token ist ungültig. Das lässt sich nicht rückgängig machen."
    }
    portal_revoke_key { "Revoke this key" "Diesen Schlüssel widerrufen" }
    portal_revoke_key_warning {
        "Programs that use it are refused at once. This cannot be undone."
        "Programme, die ihn verwenden, werden sofort abgewiesen. Das lässt sich nicht rückgängig machen."
    }
    portal_secret_revoked(secret: &str, name: &str, time: &str) {
        "The secret {secret} of {name} was revoked on {time}. It no longer works, and every token that was issued for it is refused from now on."
        "Das Geheimnis {secret} von {name} wurde widerrufen ({time}). Es gilt nicht mehr, und jedes dafür ausgestellte Token wird ab jetzt abgewiesen."
    }
    portal_key_revoked(name: &str, time: &str) {
        "The API key {name} was revoked on {time}. It no longer works."
        "Der API-Schlüssel {name} wurde widerrufen ({time}). Er gilt nicht mehr."
    }
    portal_gone {
        "That no longer exists. The current list is below."
        "Das gibt es nicht (mehr). Hier sehen Sie, was es jetzt gibt."
    }
    portal_keep_secret { "Keep this secret now: it is not shown again." "Bewahren Sie dieses Geheimnis jetzt auf: Es wird nicht noch einmal angezeigt." }
    portal_keep_key { "Keep this key now: it is not shown again." "Bewahren Sie diesen Schlüssel jetzt auf: Er wird nicht noch einmal angezeigt." }
    portal_copy { "Copy" "Kopieren" }
    portal_copied { "Copied" "Kopiert" }
    portal_copy_of(what: &str) { "Copy: {what}" "Kopieren: {what}" }
    portal_name_hint { "Helps you to recognize it later." "Daran erkennen Sie es später wieder." }
    portal_choose_access { "What it may do" "Was es darf" }
    portal_nothing_offered {
        "There is no further access to choose."
        "Weiteren Zugriff gibt es hier nicht zu wählen."
    }
    portal_create_machine { "Create application" "Anwendung anlegen" }
    portal_create_key { "Create key" "Schlüssel anlegen" }
    portal_cancel { "Cancel" "Abbrechen" }
    portal_name_needed { "Please give it a name." "Bitte geben Sie einen Namen an." }
    portal_name_long { "That name is too long. Please shorten it." "Dieser Name ist zu lang. Bitte kürzen Sie ihn." }
    portal_too_many {
        "You have reached the limit. First revoke something that is no longer used."
        "Es gibt schon zu viele. Widerrufen Sie zuerst, was nicht mehr gebraucht wird."
    }
    portal_not_offered {
        "That access is no longer offered. Please choose again."
        "Diesen Zugriff gibt es nicht mehr. Bitte wählen Sie noch einmal."
    }
    portal_connections { "Connected by members" "Von Mitgliedern verbunden" }
    portal_connections_lead(organization: &str) {
        "Applications that members have allowed to act for them in {organization}."
        "Anwendungen, denen Mitglieder erlaubt haben, in ihrem Namen in {organization} zu handeln."
    }
    portal_no_connections { "Nothing is connected" "Nichts ist verbunden" }
    portal_no_connections_why {
        "When a member connects an application and allows it access on behalf of your organization, it appears here."
        "Wenn ein Mitglied eine Anwendung verbindet und ihr im Namen Ihrer Organisation Zugriff erlaubt, erscheint sie hier."
    }
    portal_application { "Application" "Anwendung" }
    portal_member { "Member" "Mitglied" }
    portal_connected_since { "Since" "Seit" }
    portal_disconnect { "Disconnect" "Trennen" }
    portal_disconnect_warning(application: &str, member: &str) {
        "{application} loses the access that {member} gave it for your organization, and the tokens for it are revoked at once. The member can connect it again."
        "{application} verliert den Zugriff, den {member} für Ihre Organisation erlaubt hat, und die Token dafür gelten sofort nicht mehr. Das Mitglied kann die Anwendung wieder verbinden."
    }
    portal_disconnected(application: &str, member: &str, time: &str) {
        "{application} was disconnected from {member} on {time}. Every token that was issued for it is refused from now on."
        "{application} wurde von {member} getrennt ({time}). Jedes dafür ausgestellte Token wird ab jetzt abgewiesen."
    }
    portal_domains { "Domains" "Domains" }
    portal_domains_lead(organization: &str) {
        "Verify with a DNS record that a domain belongs to {organization}."
        "Weisen Sie mit einem DNS-Eintrag nach, dass eine Domain zu {organization} gehört."
    }
    portal_domain_verified { "Verified" "Bestätigt" }
    portal_domain_pending { "Waiting for the record" "Wartet auf den Eintrag" }
    portal_domain_failed { "Not found" "Nicht gefunden" }
    portal_domain_record {
        "Add this record where your DNS is managed. We are now looking for it, often at first. It can take a while until it is visible everywhere."
        "Legen Sie diesen Eintrag dort an, wo Ihr DNS verwaltet wird. Wir suchen ab jetzt danach, anfangs häufig; es kann eine Weile dauern, bis er überall sichtbar ist."
    }
    portal_record_name { "Name" "Name" }
    portal_record_type { "Type" "Typ" }
    portal_record_value { "Value" "Wert" }
    portal_domain_again { "Look again" "Erneut suchen" }
    portal_domain_looking(domain: &str) {
        "We are looking for the record of {domain} again."
        "Wir suchen wieder nach dem Eintrag von {domain}."
    }
    portal_domain_added(domain: &str) {
        "{domain} was added. Now add its DNS record."
        "{domain} wurde hinzugefügt. Legen Sie jetzt den Eintrag an."
    }
    portal_domain_delete { "Remove" "Entfernen" }
    portal_domain_delete_warning {
        "This domain will no longer be checked. If you add it again, it will get a new record."
        "Nach der Domain wird nicht mehr gesucht. Sie können sie wieder hinzufügen; der Eintrag ist dann ein anderer."
    }
    portal_domain_deleted(domain: &str) { "{domain} was removed." "{domain} wurde entfernt." }
    portal_domain { "Domain" "Domain" }
    portal_add_domain { "Add domain" "Domain hinzufügen" }
    portal_domain_wrong {
        "An organization cannot own that domain. Please check the spelling."
        "Das ist keine Domain, die einer Organisation gehören kann. Bitte prüfen Sie sie."
    }
    portal_domain_taken {
        "That domain was already added, or belongs to another organization."
        "Diese Domain gibt es hier schon, oder sie gehört einer anderen Organisation."
    }
    portal_finish { "Done" "Fertig" }
    portal_back(product: &str) { "Back to {product}" "Zurück zu {product}" }
    portal_leave { "Leave" "Verlassen" }
    portal_sections { "Sections" "Bereiche" }
    portal_skip { "Skip to content" "Zum Inhalt springen" }
    portal_newer { "Newer" "Neuere" }
    portal_older { "Older" "Ältere" }
    portal_pages { "Pages" "Seiten" }
    portal_open_title { "Administration of your organization" "Verwaltung Ihrer Organisation" }
    portal_open_text { "Continue to see and manage what belongs to your organization." "Fahren Sie fort, um zu sehen und zu verwalten, was zu Ihrer Organisation gehört." }
    portal_open_other_text(organization: &str) {
        "This link opens the administration of {organization}. This browser currently has another organization’s administration open. Continue only if you want to see and manage {organization} now."
        "Dieser Link öffnet die Verwaltung von {organization}. In diesem Browser ist die einer anderen Organisation offen. Fahren Sie nur fort, wenn Sie jetzt {organization} sehen und verwalten wollen."
    }
    portal_other_title { "This page was for another organization" "Diese Seite gehörte zu einer anderen Organisation" }
    portal_other_text(organization: &str) {
        "Nothing was done. This browser now shows the administration of {organization}."
        "Es ist nichts geschehen. Dieser Browser zeigt jetzt die Verwaltung von {organization}."
    }
    portal_left_title { "You have left" "Sie haben die Verwaltung verlassen" }
    portal_left_text { "You can close this window." "Sie können dieses Fenster schließen." }
    portal_over_title { "This visit is over" "Dieser Besuch ist vorbei" }
    portal_over_text(product: &str) {
        "It took too long, or what it showed no longer exists. Go back to {product} and open the page again from there."
        "Er hat zu lange gedauert, oder was er zeigte, gibt es nicht mehr. Gehen Sie zurück zu {product} und öffnen Sie die Seite dort noch einmal."
    }
    portal_refused_title { "You do not have access to this" "Das ist für Sie nicht freigegeben" }
    portal_refused_text {
        "Ask an administrator of your organization for a role that allows this."
        "Die Verwaltung Ihrer Organisation muss Ihnen dazu eine Rolle geben, die es erlaubt."
    }
    portal_intent_text(product: &str) {
        "The link you used does not open this part, or {product} does not allow it."
        "Der Link, mit dem Sie gekommen sind, öffnet diesen Bereich nicht, oder {product} erlaubt es hier nicht."
    }
    portal_link_title { "This link no longer works" "Dieser Link gilt nicht mehr" }
    portal_link_text(product: &str) {
        "It works once, and only for a few minutes. Go back to {product} and open the page again from there."
        "Er funktioniert nur einmal und nur wenige Minuten lang. Gehen Sie zurück zu {product} und öffnen Sie die Seite dort noch einmal."
    }
}
