chat-new = New chat
chat-list = Your chats
chat-list-empty = Your chats will gather here.
chat-list-more = Older chats
chat-search = Search chats
chat-search-results = Found for “{ $value }”.
chat-search-clear = Show all chats
chat-search-none = Nothing found. Try fewer or other words.
chat-untitled = New conversation
chat-menu = Rename or delete this chat
chat-title = Title
chat-rename = Rename
chat-renamed = Renamed.
chat-delete = Delete chat
chat-delete-title = Delete this chat?
chat-delete-detail = It goes to the trash and is gone for good after 30 days. What Parlor remembers from it stays until you forget it.
chat-deleted = The chat is in the trash.

welcome = Hello. Have a seat.
welcome-name = Hello { $value }. Have a seat.
welcome-lead = What would you like to talk about? Parlor remembers what matters to you, and you decide what stays.
examples = Ways to start
example-1 = Three things to know about me: …
example-2 = Plan a quiet weekend by train
example-3 = Explain tides to a ten-year-old
example-4 = What do you remember about me?

composer-label = Your message
composer-placeholder = Say something …
composer-hint = Enter sends, Shift + Enter starts a new line.
composer-honest = Answers can be wrong.
composer-empty = Write something first.
composer-too-long = This message is too long. Please shorten it or send it in parts.
tier-legend = How thorough the answer should be
tier-quick = Quick
tier-enhanced = Enhanced
units =
    { $n ->
        [one] { $n } unit
       *[other] { $n } units
    }
send = Send
stop = Stop
jump-latest = Latest

message-you = You said
message-parlor = Parlor said
message-thinking = Parlor is thinking …
message-running = Parlor is still writing. This page looks again by itself.
message-interrupted = This answer was cut off when the server stopped. What had come is kept.
message-cancelled = You stopped this answer.
message-failed = No answer came.
message-failed-detail = It cost you nothing. Try again, or choose the other tier.
message-continue = Continue
message-retry = Try again
copy-answer = Copy answer
recalled-count =
    { $n ->
        [one] Recalled { $n } memory
       *[other] Recalled { $n } memories
    }
recalled-score = { $n } % match
learned-count =
    { $n ->
        [one] Will remember { $n } thing
       *[other] Will remember { $n } things
    }
learned-manage = See and change what is remembered

stream-reconnecting = Connection lost. Reconnecting …
stream-offline = You are offline. The answer goes on and will be here when you are back.
stream-lost = The connection could not be restored. The answer is kept: reload the page to see it.
stream-failed = Your message could not be sent. It is still in the box: please try again.
stream-finished = Answer complete.
stream-recalling = Looking through what you have told me …

error-quota = You have used up your plan’s message units. They come back on { $value }.
error-rate = That was a lot at once. Wait a moment, then try again.
error-provider = The model server did not answer properly. Wait a moment, then try again.
error-provider-timeout = The model server took too long. Try again, or choose the other tier.
error-no-model = There is no model to answer. Connect one, or fetch the local model.

model-weak = Answers come from { $value }, a very small model on this server.
model-how = Connect a better one
model-weak-detail = It shows that everything works, but it makes things up and forgets quickly. For real answers, start Parlor with any OpenAI-compatible server:
model-missing = Parlor has no model to answer with yet.
model-missing-detail = Start it with the address and key of any OpenAI-compatible server:
model-missing-local = Or fetch the small local model:
model-restart = Then restart Parlor. Chats and memories stay.
