//! Phrases that say what kind of sentence this is. All are folded words between spaces, as [`crate::text::normalised`]
//! makes them ("I'm" is `im`, "ä" is `a`), separated by commas.

use crate::gate::Kind;

/// A phrase list, and what a sentence with one of them is.
pub(crate) struct Cue {
    pub kind: Kind,
    /// 0 to 1: standing wishes, identity and health .9, life events .8, plans .7, preferences .6, moods .2.
    pub importance: f32,
    pub phrases: &'static str,
}

/// Strongest first: the first that matches decides.
pub(crate) const CUES: &[Cue] = &[
    Cue {
        kind: Kind::Instruction,
        importance: 0.9,
        phrases: "from now on, in future, in the future please, always answer, always reply, always use, never use, \
            never answer, please always, please never, call me, address me as, make sure you always, dont ever, \
            ab jetzt, von nun an, in zukunft, kunftig, nenn mich, nenne mich, antworte immer, antworte mir \
            immer, bitte immer, bitte nie, sprich mich, duze mich, sieze mich, benutze immer, verwende immer, \
            verwende nie",
    },
    Cue {
        kind: Kind::Fact,
        importance: 0.9,
        phrases: "my name is, my full name, i am called, im called, my birthday, i was born, my pronouns, allergic to, \
            allergy to, i have an allergy, i have diabetes, i have asthma, diagnosed with, intolerant, im vegan, \
            i am vegan, im vegetarian, i am vegetarian, im a vegetarian, im a vegan, i live in, i live at, i \
            live near, im living in, im from, i am from, my home town, my hometown, my address, i am pregnant, \
            im pregnant, my blood type, years old, my native language, i speak, ich heisse, mein name ist, mein \
            geburtstag, ich habe geburtstag, ich bin geboren, geboren am, geboren in, allergisch, allergie, \
            unvertraglichkeit, ich bin vegan, ich bin vegetarisch, veganer, veganerin, vegetarier, vegetarierin, \
            ich wohne, wir wohnen, ich lebe in, ich komme aus, meine adresse, schwanger, jahre alt, diabetes, \
            asthma, meine muttersprache, ich spreche",
    },
    Cue {
        kind: Kind::Event,
        importance: 0.8,
        phrases: "i moved, ive moved, we moved, just moved, i got married, we got married, got engaged, got divorced, \
            broke up, i quit, ive quit, i got a job, got a new job, started a new job, was promoted, got \
            promoted, i lost my job, was laid off, i graduated, i retired, gave birth, was born, passed away, \
            died, i bought a, we bought a, i sold, we adopted, i adopted, i stopped, i started, i passed, \
            umgezogen, geheiratet, verlobt, geschieden, getrennt, gekundigt, neuen job, neue stelle, befordert, \
            arbeitslos, abgeschlossen, in rente, gestorben, verstorben, adoptiert, gekauft, verkauft, aufgehort, \
            angefangen, bestanden",
    },
    Cue {
        kind: Kind::Fact,
        importance: 0.8,
        phrases: "i work as, i work at, i work for, i work in, im working as, my job, my profession, my employer, my \
            company, i study, im studying, i am studying, i own a, i have a car, i drive a, my boss, ich \
            arbeite, mein beruf, mein job, mein arbeitgeber, meine firma, ich studiere, von beruf, mein chef, \
            meine chefin",
    },
    Cue {
        kind: Kind::Plan,
        importance: 0.7,
        phrases: "i will, ill be, im going to, i am going to, were going to, i plan to, im planning, i am planning, we \
            plan to, next week, next month, next year, tomorrow, i want to learn, my goal, im training for, i am \
            training for, im preparing for, appointment, my deadline, my exam, im saving for, im moving, i am \
            moving, im flying, my flight, ich werde, wir werden, ich plane, wir planen, nachste woche, nachsten \
            monat, nachstes jahr, morgen, ubermorgen, mein ziel, ich trainiere, termin, ich habe vor, ich \
            fliege, ich ziehe, prufung, ich mochte lernen",
    },
    Cue {
        kind: Kind::Relation,
        importance: 0.7,
        phrases: "my wife, my husband, my partner, my girlfriend, my boyfriend, my fiance, my fiancee, my mother, my \
            mom, my mum, my father, my dad, my parents, my sister, my brother, my son, my daughter, my kids, my \
            children, my child, my grandmother, my grandfather, my friend, my best friend, my dog, my cat, my \
            pet, my colleague, my neighbour, my neighbor, i have a dog, i have a cat, i have two, i have three, \
            my uncle, my aunt, my cousin, meine frau, mein mann, mein partner, meine partnerin, meine freundin, \
            mein freund, meine mutter, mein vater, meine eltern, meine schwester, mein bruder, mein sohn, meine \
            tochter, meine kinder, mein kind, meine oma, mein opa, mein hund, meine katze, einen hund, eine \
            katze, mein kollege, meine kollegin, mein nachbar",
    },
    Cue {
        kind: Kind::Preference,
        importance: 0.6,
        phrases: "i like, i love, i prefer, i hate, i dislike, i enjoy, i cant stand, i dont like, i do not like, my \
            favourite, my favorite, i really like, im a fan of, im into, i rather, i usually, my hobby, my \
            hobbies, i never eat, i dont eat, i dont drink, i always, ich mag, ich liebe, ich bevorzuge, ich \
            hasse, lieblings, mein liebstes, meine liebste, esse gern, trinke gern, ich spiele gern, ich esse \
            kein, ich esse keine, ich trinke kein, ich trinke keine, gerne, mein hobby, meine hobbys",
    },
    Cue {
        kind: Kind::Episode,
        importance: 0.2,
        phrases: "im tired, i am tired, im sad, im happy, i am happy, i feel, im bored, im stressed, im hungry, i am \
            hungry, ich bin mude, ich bin traurig, ich bin froh, mir ist langweilig, ich fuhle, ich bin \
            gestresst, ich habe hunger",
    },
];

/// Wishes to be remembered, stronger than every cue.
pub(crate) const REMEMBER: &str = "remember that, please remember, remember my, remember i, keep in mind, dont forget that, note that i, make a \
    note, merk dir, merke dir, denk daran dass, vergiss nicht, behalte im kopf, notiere dir";
/// Questions about memory that contain such a wish.
pub(crate) const ASKS_MEMORY: &str =
    "do you remember, did you remember, can you still remember, you remember that, erinnerst du, weisst du noch";

/// Who speaks of themselves.
pub(crate) const FIRST_PERSON: &str = "i, im, ive, id, ill, my, mine, me, myself, we, weve, our, ours, us, ich, mein, meine, meinen, meinem, \
    meiner, meines, mich, mir, wir, unser, unsere, unseren, unserem, uns";

/// Words that open a question without a question mark. Followed by a first person, most open a clause instead:
/// "When I was a child, …".
pub(crate) const QUESTION_STARTS: &str = "what, whats, when, where, wheres, who, whos, whom, whose, why, how, hows, which, was, wann, wo, wer, wen, \
    wem, warum, wieso, wie, welche, welcher, welches, wohin, woher, womit, wozu";
/// Verbs that open a question without a question mark.
pub(crate) const ASKING_VERBS: &str = "is, are, do, does, did, can, could, would, should, has, have, will, shall, may, kannst, konntest, kann, \
    hast, bist, ist, sind, gibt, soll, sollte, darf, wurdest, weisst, hat, magst";

/// Words that open a request to the assistant.
pub(crate) const REQUEST_STARTS: &str = "write, explain, tell, give, show, list, help, create, translate, summarize, summarise, find, generate, fix, \
    describe, suggest, recommend, compare, calculate, compute, rewrite, continue, draft, convert, analyze, \
    analyse, say, repeat, make, let, lets, please, try, answer, define, search, imagine, ignore, pretend, act, \
    schreib, schreibe, erklar, erklare, sag, sage, gib, zeig, zeige, hilf, mach, mache, erstelle, ubersetze, \
    fasse, finde, bitte, nenne, nenn, beschreibe, vergleiche, empfiehl, berechne, wiederhole, korrigiere, such, \
    suche, lass, erzahl, erzahle, ignoriere, antworte, stell, formuliere";
/// Requests that speak in the first person.
pub(crate) const REQUEST_PHRASES: &str = "i need you to, i want you to, id like you to, i would like you to, i have a question, i was wondering if, i \
    need help, id like to know, i want to know, i would like to know, ich mochte dass du, ich brauche deine \
    hilfe, ich habe eine frage, ich mochte wissen, ich will wissen, ich brauche hilfe, ich wurde gern wissen, \
    ich wurde gerne wissen";

/// Words of greetings, thanks and assent: a sentence of nothing else says nothing.
pub(crate) const PHATIC: &str = "hi, hello, hey, heya, yo, morning, evening, afternoon, good, bye, goodbye, night, morgen, ciao, thanks, \
    thank, you, thx, ty, cheers, ok, okay, k, yes, yeah, yep, no, nope, sure, great, nice, cool, perfect, \
    awesome, fine, right, exactly, correct, lol, haha, wow, hmm, oh, ah, well, alright, please, sorry, very, \
    much, so, that, thats, this, it, is, its, was, sounds, makes, sense, got, i, see, understand, understood, \
    agree, know, dont, think, im, am, too, helpful, all, for, now, a, lot, again, the, help, your, there, \
    everyone, later, soon, and, really, interesting, amazing, welcome, guess, maybe, not, be, would, love, \
    hallo, moin, servus, gruss, guten, gute, tag, abend, nacht, tschuss, danke, dankeschon, vielen, dank, dir, \
    ja, nein, klar, genau, gut, super, toll, prima, perfekt, alles, verstanden, verstehe, ich, stimmt, richtig, \
    bitte, schon, sehr, das, ist, war, entschuldigung, mir, geht, es, hilfreich, weiss, nicht, bin, und, auch, \
    bis, bald, spater, wirklich, interessant, glaube, vielleicht, fur, die, deine, hilfe, na, ach";
