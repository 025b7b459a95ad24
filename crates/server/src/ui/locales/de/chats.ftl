chat-new = Neues Gespräch
chat-list = Deine Gespräche
chat-list-empty = Hier sammeln sich deine Gespräche.
chat-list-more = Ältere Gespräche
chat-search = Gespräche durchsuchen
chat-search-results = Gefunden zu „{ $value }“.
chat-search-clear = Alle Gespräche zeigen
chat-search-none = Nichts gefunden. Versuche weniger oder andere Wörter.
chat-untitled = Neue Unterhaltung
chat-menu = Dieses Gespräch umbenennen oder löschen
chat-title = Titel
chat-rename = Umbenennen
chat-renamed = Umbenannt.
chat-delete = Gespräch löschen
chat-delete-title = Dieses Gespräch löschen?
chat-delete-detail = Es kommt in den Papierkorb und ist nach 30 Tagen endgültig weg. Was Parlor daraus behalten hat, bleibt, bis du es vergessen lässt.
chat-deleted = Das Gespräch liegt im Papierkorb.

welcome = Hallo. Setz dich.
welcome-name = Hallo { $value }. Setz dich.
welcome-lead = Worüber möchtest du sprechen? Parlor merkt sich, was dir wichtig ist, und du entscheidest, was bleibt.
examples = Einstiege
example-1 = Drei Dinge über mich: …
example-2 = Plane ein ruhiges Wochenende per Zug
example-3 = Erkläre einem Kind Ebbe und Flut
example-4 = Was weißt du noch über mich?

composer-label = Deine Nachricht
composer-placeholder = Sag etwas …
composer-hint = Enter sendet, Umschalt + Enter beginnt eine neue Zeile.
composer-honest = Antworten können falsch sein.
composer-empty = Schreibe zuerst etwas.
composer-too-long = Diese Nachricht ist zu lang. Bitte kürze sie oder sende sie in Teilen.
tier-legend = Wie gründlich die Antwort sein soll
tier-quick = Schnell
tier-enhanced = Gründlich
units =
    { $n ->
        [one] { $n } Einheit
       *[other] { $n } Einheiten
    }
send = Senden
stop = Anhalten
jump-latest = Neuestes

message-you = Du hast gesagt
message-parlor = Parlor hat gesagt
message-thinking = Parlor denkt nach …
message-running = Parlor schreibt noch. Diese Seite sieht von selbst wieder nach.
message-interrupted = Diese Antwort brach ab, als der Server anhielt. Was schon da war, ist erhalten.
message-cancelled = Du hast diese Antwort angehalten.
message-failed = Es kam keine Antwort.
message-failed-detail = Das hat dich nichts gekostet. Versuche es noch einmal oder wähle die andere Stufe.
message-continue = Weiterschreiben
message-retry = Noch einmal
copy-answer = Antwort kopieren
recalled-count =
    { $n ->
        [one] { $n } Erinnerung abgerufen
       *[other] { $n } Erinnerungen abgerufen
    }
recalled-score = passt zu { $n } %
learned-count =
    { $n ->
        [one] Merkt sich { $n } Sache
       *[other] Merkt sich { $n } Sachen
    }
learned-manage = Ansehen und ändern, was gemerkt ist

stream-reconnecting = Verbindung verloren. Neuer Versuch …
stream-offline = Du bist offline. Die Antwort geht weiter und ist da, wenn du zurück bist.
stream-lost = Die Verbindung kam nicht wieder zustande. Die Antwort ist gesichert: Lade die Seite neu, um sie zu sehen.
stream-failed = Deine Nachricht konnte nicht gesendet werden. Sie steht noch im Feld: Bitte versuche es noch einmal.
stream-finished = Antwort vollständig.
stream-recalling = Sieht nach, was du erzählt hast …

error-quota = Die Einheiten deines Tarifs sind aufgebraucht. Am { $value } gibt es neue.
error-rate = Das war viel auf einmal. Warte einen Moment und versuche es dann noch einmal.
error-provider = Der Modellserver hat nicht richtig geantwortet. Warte einen Moment und versuche es dann noch einmal.
error-provider-timeout = Der Modellserver hat zu lange gebraucht. Versuche es noch einmal oder wähle die andere Stufe.
error-no-model = Es gibt kein Modell, das antworten kann. Verbinde eines oder hole das lokale Modell.

model-weak = Die Antworten kommen von { $value }, einem sehr kleinen Modell auf diesem Server.
model-how = Ein besseres verbinden
model-weak-detail = Es zeigt, dass alles funktioniert, aber es erfindet Dinge und vergisst schnell. Für echte Antworten starte Parlor mit einem OpenAI-kompatiblen Server:
model-missing = Parlor hat noch kein Modell, das antworten kann.
model-missing-detail = Starte es mit Adresse und Schlüssel eines OpenAI-kompatiblen Servers:
model-missing-local = Oder hole das kleine lokale Modell:
model-restart = Starte Parlor danach neu. Gespräche und Erinnerungen bleiben.
