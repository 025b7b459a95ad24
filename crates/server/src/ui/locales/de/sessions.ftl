sessions-title = Geräte
sessions-lead = Hier bist du angemeldet. Melde ab, was du nicht kennst oder nicht mehr benutzt.
sessions-list = Geräte, auf denen du angemeldet bist
sessions-more = Nur die letzten 100 werden gezeigt.
sessions-revoke = Alle anderen Geräte abmelden
sessions-revoke-title = Alle anderen Geräte abmelden?
sessions-revoke-detail = Jedes Gerät außer diesem muss sich neu anmelden. Was dort offen ist, schließt sich sofort.
sessions-gone = { "{" }device{ "}" } wurde abgemeldet.
sessions-came = { "{" }device{ "}" } hat sich gerade angemeldet.
sessions-notify-title = Neue Geräte
sessions-notify = Schreib mir eine E-Mail, wenn sich ein neues Gerät anmeldet
sessions-notify-detail = Hier in Parlor siehst du es in jedem Fall.
sessions-saved = Gespeichert.
session-revoke = Abmelden
session-revoke-label = { $value } abmelden
session-revoke-title = Dieses Gerät abmelden?
session-revoke-detail = { $value } muss sich neu anmelden. Was dort offen ist, schließt sich sofort.
session-ended = Du bist auf diesem Gerät abgemeldet. Melde dich wieder an, dann geht es dort weiter, wo du warst.
device-logged-out = Das Gerät ist abgemeldet.
devices-logged-out = Alle anderen Geräte sind abgemeldet.
device-this = Dieses Gerät
device-since = Angemeldet
device-name = { $browser } unter { $os }
device-unknown = Unbekanntes Gerät
device-kind-desktop = Computer
device-kind-mobile = Telefon
device-kind-tablet = Tablet
device-kind-bot = Bot
device-kind-api = Programm
device-kind-unknown = Unbekannte Art
address-unknown = einer unbekannten Adresse
active-now = gerade aktiv
active-minutes = { $n ->
    [one] vor { $n } Minute
   *[other] vor { $n } Minuten
 }
active-hours = { $n ->
    [one] vor { $n } Stunde
   *[other] vor { $n } Stunden
 }
active-days = { $n ->
    [one] vor { $n } Tag
   *[other] vor { $n } Tagen
 }
login-remember = Auf diesem Gerät angemeldet bleiben
notice-new-device = Neue Anmeldung in deinem Konto: { $device }, von { $ip }. Warst du das nicht? Dann melde das Gerät ab und ändere dein Passwort.
notice-see-devices = Deine Geräte ansehen
notice-put-away = Wegräumen
