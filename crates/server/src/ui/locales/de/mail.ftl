mail-hello = Hallo,
mail-hello-name = Hallo { $name },
mail-fallback = Falls der Knopf nicht funktioniert, kopiere diese Adresse in deinen Browser:
mail-why-asked = Du bekommst diese Mail, weil jemand deine Adresse auf { $server } eingegeben hat. Warst du es nicht, kannst du sie ignorieren.
mail-why-account = Du bekommst diese Mail, weil deine Adresse zu einem Konto auf { $server } gehört.

mail-verify-email-subject = Bestätige deine E-Mail-Adresse
mail-verify-email-preheader = Ein Schritt noch, dann ist dein Konto bereit.
mail-verify-email-1 = willkommen bei Parlor. Bitte bestätige, dass diese Adresse dir gehört, dann ist dein Konto bereit.
mail-verify-email-2 =
    { $hours ->
        [one] Der Link gilt eine Stunde.
       *[other] Der Link gilt { $hours } Stunden.
    } Wolltest du kein Konto, tu einfach nichts: Ohne diesen Schritt lässt es sich nicht benutzen.
mail-verify-email-button = Adresse bestätigen

mail-welcome-subject = Dein Konto ist bereit
mail-welcome-preheader = Deine Adresse ist bestätigt. Komm herein.
mail-welcome-1 = deine Adresse ist bestätigt. Komm herein und sag etwas: Parlor merkt sich, was dir wichtig ist, und du entscheidest, was bleibt.
mail-welcome-2 = Mit einem zweiten Faktor ist dein Konto viel schwerer zu stehlen. Du findest ihn in den Einstellungen unter Sicherheit.
mail-welcome-button = Parlor öffnen

mail-already-registered-subject = Du hast schon ein Konto
mail-already-registered-preheader = Jemand wollte sich mit deiner Adresse registrieren.
mail-already-registered-1 = jemand wollte mit dieser Adresse ein Konto anlegen, aber sie hat schon eines. Es wurde nichts geändert.
mail-already-registered-2 = Warst du es, dann melde dich einfach an.
mail-already-registered-button = Anmelden
mail-already-registered-aside = Neues Passwort wählen, falls du deines vergessen hast

mail-reset-password-subject = Wähle ein neues Passwort
mail-reset-password-preheader = Der Link gilt einmal und nur kurze Zeit.
mail-reset-password-1 = jemand hat für dein Konto ein neues Passwort verlangt. Warst du es, dann wähle es hier:
mail-reset-password-2 =
    { $minutes ->
        [one] Der Link gilt einmal und eine Minute lang.
       *[other] Der Link gilt einmal und { $minutes } Minuten lang.
    } Warst du es nicht, tu einfach nichts: Dein Passwort bleibt, wie es ist.
mail-reset-password-button = Neues Passwort wählen

mail-password-changed-subject = Dein Passwort wurde geändert
mail-password-changed-preheader = Warst du es, ist nichts zu tun.
mail-password-changed-1 = das Passwort deines Kontos wurde gerade geändert. Warst du es, ist nichts zu tun.
mail-password-changed-2 = Warst du es nicht, ist jemand anderes in deinem Konto. Wähle sofort ein neues Passwort, das meldet auch alle anderen ab.
mail-password-changed-button = Das war ich nicht

mail-confirm-email-change-subject = Bestätige deine neue E-Mail-Adresse
mail-confirm-email-change-preheader = Bis dahin gilt deine alte Adresse.
mail-confirm-email-change-1 = diese Adresse wurde als neue Adresse eines Kontos bei Parlor angegeben. Bitte bestätige, dass sie dir gehört. Bis dahin gilt die alte.
mail-confirm-email-change-2 =
    { $hours ->
        [one] Der Link gilt eine Stunde.
       *[other] Der Link gilt { $hours } Stunden.
    } Hast du das nicht verlangt, tu einfach nichts: Das Konto behält seine alte Adresse.
mail-confirm-email-change-button = Neue Adresse bestätigen

mail-email-change-asked-subject = Jemand möchte deine E-Mail-Adresse ändern
mail-email-change-asked-preheader = Bis zur Bestätigung ändert sich nichts.
mail-email-change-asked-1 = jemand, der in deinem Konto angemeldet ist, möchte { $email } statt dieser Adresse verwenden. Sie ändert sich, sobald jene Adresse bestätigt ist.
mail-email-change-asked-2 = Warst du es nicht, melde dich an und ändere sofort dein Passwort. Das beendet jede andere Sitzung und verhindert die Änderung.

mail-email-changed-subject = Deine E-Mail-Adresse wurde geändert
mail-email-changed-preheader = Diese Adresse gehört nicht mehr zu deinem Konto.
mail-email-changed-1 = dein Konto verwendet jetzt { $email }. An diese Adresse kommen keine Mails mehr.
mail-email-changed-2 = Warst du es nicht, schreibe sofort der Person, die diesen Server betreibt: Sie kann dir dein Konto zurückgeben.

mail-new-device-subject = Neue Anmeldung in deinem Konto
mail-new-device-preheader = Warst du es, ist nichts zu tun.
mail-new-device-1 = jemand hat sich in deinem Konto mit einem Gerät angemeldet, das noch nie da war.
mail-new-device-2 = Warst du es, ist nichts zu tun. Warst du es nicht, melde das Gerät ab und ändere dein Passwort.
mail-new-device-button = Meine Geräte ansehen

mail-sign-in-code-subject = Dein Code
mail-sign-in-code-preheader = Gib ihn dort ein, wo du danach gefragt wurdest.
mail-sign-in-code-1 = gib diesen Code dort ein, wo du danach gefragt wurdest.
mail-sign-in-code-2 =
    { $minutes ->
        [one] Er gilt einmal und eine Minute lang.
       *[other] Er gilt einmal und { $minutes } Minuten lang.
    } Gib ihn niemandem: Niemand von diesem Server wird dich je danach fragen.

mail-factor-added-subject = Ein zweiter Faktor wurde hinzugefügt
mail-factor-added-preheader = Warst du es, ist nichts zu tun.
mail-factor-added-1 = dein Konto hat jetzt diesen zweiten Faktor: { $factor }.
mail-factor-added-2 = Warst du es nicht, entferne ihn und ändere sofort dein Passwort.
mail-factor-added-button = Meine Anmeldung ansehen

mail-factor-removed-subject = Ein zweiter Faktor wurde entfernt
mail-factor-removed-preheader = Warst du es, ist nichts zu tun.
mail-factor-removed-1 = dein Konto hat diesen zweiten Faktor nicht mehr: { $factor }.
mail-factor-removed-2 = Warst du es nicht, ändere sofort dein Passwort und richte den Faktor neu ein.
mail-factor-removed-button = Meine Anmeldung ansehen

mail-factor-totp = Authenticator-App
mail-factor-passkey = Passkey
mail-factor-recovery-codes = Wiederherstellungscodes
mail-factor-recovery-code = ein Wiederherstellungscode, eben benutzt

mail-connection-added-subject = Eine Anmeldung mit { $provider } wurde hinzugefügt
mail-connection-added-preheader = Warst du es, ist nichts zu tun.
mail-connection-added-1 = dein Konto lässt sich jetzt mit { $provider } öffnen.
mail-connection-added-2 = Warst du es nicht, entferne diese Verknüpfung und ändere sofort dein Passwort.
mail-connection-added-button = Meine Verknüpfungen ansehen

mail-connection-removed-subject = Die Anmeldung mit { $provider } wurde entfernt
mail-connection-removed-preheader = Warst du es, ist nichts zu tun.
mail-connection-removed-1 = dein Konto lässt sich nicht mehr mit { $provider } öffnen.
mail-connection-removed-2 = Warst du es nicht, ändere sofort dein Passwort und prüfe, womit sich dein Konto öffnen lässt.
mail-connection-removed-button = Meine Verknüpfungen ansehen

mail-api-key-created-subject = Ein neuer API-Schlüssel wurde angelegt
mail-api-key-created-preheader = Programme können damit dein Konto benutzen.
mail-api-key-created-1 = ein neuer API-Schlüssel wurde angelegt. Damit kann ein Programm dein Konto benutzen.
mail-api-key-created-2 = Warst du es nicht, widerrufe ihn und ändere sofort dein Passwort.
mail-api-key-created-button = Meine API-Schlüssel ansehen

mail-session-ended-subject = Wir haben ein Gerät sicherheitshalber abgemeldet
mail-session-ended-preheader = Seine Anmeldung wurde zweimal benutzt.
mail-session-ended-1 = die Anmeldung eines deiner Geräte wurde ein zweites Mal benutzt. Das kommt vor, wenn jemand sie kopiert, darum haben wir sie sofort beendet.
mail-session-ended-2 = Bitte melde dich auf diesem Gerät neu an. Siehst du Geräte, die nicht deine sind, melde sie ab und ändere dein Passwort.
mail-session-ended-button = Meine Geräte ansehen

mail-fact-device = Gerät
mail-fact-address = Internetadresse
mail-fact-time = Zeit
mail-fact-name = Name
mail-fact-key = Schlüssel

nav-outbox = Ausgehende Mails
outbox-title = Ausgehende Mails
outbox-lead = Was dieser Server Menschen schickt, und wie es ging.
outbox-no-server = Es gibt keinen Mailserver, darum bleiben Mails hier: Öffne eine und gib ihren Link selbst weiter. Um Mails zu versenden, setze SMTP_HOST und starte Parlor neu.
outbox-statuses = Nur zeigen
outbox-all = Alle
outbox-queued = Wartet
outbox-sent = Gesendet
outbox-dead = Aufgegeben
outbox-empty-title = Keine Mail hier
outbox-empty-detail = Wenn Parlor jemandem schreibt, siehst du es hier.
outbox-more = Ältere Mails
outbox-mail = Mail
outbox-back = Alle Mails
outbox-attempts =
    { $n ->
        [0] noch nicht versucht
        [one] einmal versucht
       *[other] { $n }-mal versucht
    }
outbox-next = Der nächste Versuch ist am { $value } (UTC).
outbox-sent-at = Sie ging am { $value } hinaus (UTC).
outbox-retry = Noch einmal versuchen
outbox-retried = Sie ist wieder unterwegs.
outbox-says = Was sie sagt
outbox-redacted = Links und Codes, die das Konto dieser Person öffnen, sind hier weggelassen.
outbox-html = So ansehen wie ihre Leserin oder ihr Leser
outbox-emptied = Der Mailserver hat sie. Was sie sagte, wird hier nicht aufbewahrt, denn ihre Links öffnen Konten.
outbox-kind-verify_email = Adresse bestätigen
outbox-kind-welcome = Willkommen
outbox-kind-already_registered = Schon registriert
outbox-kind-reset_password = Neues Passwort
outbox-kind-password_changed = Passwort geändert
outbox-kind-confirm_email_change = Neue Adresse bestätigen
outbox-kind-email_changed = Adresse geändert
outbox-kind-new_device = Neues Gerät
outbox-kind-sign_in_code = Code
outbox-kind-second_factor_changed = Zweiter Faktor geändert
outbox-kind-connection_changed = Verknüpfung geändert
outbox-kind-api_key_created = Neuer API-Schlüssel
outbox-kind-session_ended_for_safety = Zur Sicherheit abgemeldet
