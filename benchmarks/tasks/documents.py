"""Documents of twenty sentences with a question and a fixed answer, for a small language model.

What answers a question is said in more than one place, so that several sentences matter, some of them only together or
in each other's absence.
"""

from __future__ import annotations

__all__ = ["HOLDING", "PROMPTS"]

#: document, question, answer
PROMPTS = (
    (
        "The ferry to Skarholm leaves from the north quay. It sails at seven every morning. Cars must arrive half an "
        "hour early. The crossing takes forty minutes. In winter the first sailing is at nine. The ship carries "
        "sixty cars. Dogs travel free of charge. The kiosk on board sells soup and bread. A return ticket costs "
        "twelve crowns. Children under six pay nothing. The captain has served for thirty years. Fog can close the "
        "harbour without warning. The old ship was sold to a museum. Bicycles are tied to the rail on deck. The "
        "island has one school and two shops. Most visitors come for the seals. From December on, nobody sails "
        "before nine. A lighthouse stands on the western cape. Its keeper paints the walls each spring. The post "
        "office opens at noon.",
        "When does the first ferry leave in winter, and what does a return ticket cost?",
        "In winter the first ferry leaves at nine, and a return ticket costs twelve crowns.",
    ),
    (
        "Maren Toft runs a bakery in the old mill. Her brother keeps bees behind the house. The rye loaf rests for "
        "two days. Flour comes from a farm across the river. She learned the trade from her aunt Signe. The oven is "
        "fired with birch wood. On Fridays there are cinnamon buns. A cat called Pilot sleeps on the sacks. The mill "
        "wheel stopped turning in 1952. Tourists photograph the red door. Signe taught her to bake at the age of ten. "
        "The shop closes when the bread is gone. Honey is sold in small jars. The roof was mended last summer. Rain "
        "sometimes floods the cellar. The river freezes in a hard winter. An accordion hangs above the counter. Maren "
        "plays it at weddings. The nearest town is nine miles away. Two apprentices start work at four.",
        "Who taught Maren to bake, and how is the oven heated?",
        "Her aunt Signe taught her, and the oven is fired with birch wood.",
    ),
    (
        "This notice is for patients who take Velidorm tablets at home. Swallow one tablet each evening with a glass "
        "of water. Do not crush the tablets or chew them. Grapefruit juice must be avoided during the whole "
        "treatment. The tablets are white, round and slightly curved. Most people sleep better after about one week. "
        "Some patients report a dry mouth in the first days. Keep the box out of the reach of children. A missed "
        "tablet should not be made up for. Never drink grapefruit juice while you are taking this medicine. Store it "
        "below twenty-five degrees in a dry cupboard. Your pharmacist can take back tablets that are left over. "
        "Driving is not advised until you know how you react. The treatment usually ends after four weeks. Tell your "
        "doctor about every other medicine you use. After those four weeks the tablets must be stopped. Women who "
        "expect a child should ask for advice first. The leaflet is also printed in large letters. A rash is rare "
        "and goes away by itself. The maker has its laboratory in Lausanne.",
        "Which drink must be avoided with Velidorm, and how long does the treatment last?",
        "Grapefruit juice must be avoided, and the treatment lasts four weeks.",
    ),
    (
        "The match was played on a wet Sunday afternoon. Only nine hundred people had come to the ground. Harland "
        "wore their green shirts for the first time. The visitors from Brant had lost four games running. Rain "
        "delayed the start by twenty minutes. A long pass surprised the defence before the break. Okoro scored the "
        "only goal with his left foot. The referee showed two yellow cards in the first half. A dog ran across the "
        "pitch and stopped the play. Brant sent on three fresh players after an hour. Their goalkeeper Lindqvist hurt "
        "his shoulder in a fall. The crowd sang until the lights were switched off. Okoro had joined the club only in "
        "August. It was his goal that decided the afternoon. Lindqvist was carried off with a damaged shoulder. The "
        "physiotherapist expects him back in the spring. Harland are now third in the table. Their coach praised the "
        "patience of the young team. The next game is away against Moorfield. Tickets for it go on sale on Tuesday.",
        "Who scored the goal for Harland, and which Brant player was hurt?",
        "Okoro scored the only goal, and the goalkeeper Lindqvist hurt his shoulder.",
    ),
    (
        "Dear neighbours, the stairs will be painted next month. The work begins on the third of May. Please remove "
        "prams and boots from the landings. The colour of the walls stays a light grey. The lift will be out of order "
        "for ten days. Parcels can be left with Mrs Adeyemi on the ground floor. The bins are emptied on Wednesday as "
        "always. A painter from the firm Kessler does the work. Windows should stay open while the paint dries. "
        "Nobody needs to be at home for this. Ten days without the lift cannot be avoided, we are told. The handrail "
        "gets a new coat of varnish. Children should not touch the wet doors. Mrs Adeyemi has kindly offered to keep "
        "all deliveries. The cellar is not part of the plan. The costs are paid from the common fund. A meeting about "
        "the garden follows in June. Some of the lamps will be replaced as well. Questions can be sent to the house "
        "committee. We thank you all for your patience.",
        "How long is the lift out of order, and who takes in parcels?",
        "The lift is out of order for ten days, and Mrs Adeyemi takes in parcels.",
    ),
    (
        "The comet was discovered by Ines Varga from her balcony. She had been looking for a faint star cluster. Her "
        "telescope is older than she is herself. The tail points away from the sun, as all tails do. It returns once "
        "in every eighty-one years. Dust from its surface glows yellow at dawn. Its core is hardly six kilometres "
        "wide. Radio dishes in Chile followed it for a month. Ines Varga reported her find the very same night. The "
        "ice on it is mixed with tar. An earlier visit may be recorded in a Korean chronicle. That fits a period of "
        "eighty-one years quite well. Gas escapes wherever the sun warms the ground. Nobody will see it without "
        "binoculars this winter. A spacecraft would need five years to get there. The orbit is tilted steeply against "
        "ours. Jupiter bends its path a little each time. School classes have built models of it in clay. The next "
        "full moon will spoil the view. Cloudy weather hid it for most of October.",
        "Who discovered the comet, and how often does it return?",
        "Ines Varga discovered the comet, and it returns every eighty-one years.",
    ),
    (
        "To make this stew, soak the beans overnight. Peel two carrots and one large onion. Fry the onion gently "
        "until it turns golden. The secret of the dish is smoked paprika. Add the beans and cover them with stock. "
        "Bring the pot to the boil only once. Let it simmer for three hours on a low flame. A bay leaf may be added "
        "at this point. My grandmother cooked it in a pot of clay. She said that smoked paprika was all the magic. "
        "Stir from time to time so that nothing burns. The carrots go in during the last half hour. Salt should only "
        "be added at the end. Less than three hours of simmering leaves the beans hard. Serve the stew with dark "
        "bread and pickles. It tastes even better on the second day. In our village it was eaten on Saturdays. "
        "Leftovers can be frozen in small boxes. A green salad goes well with it. Six people will have enough from "
        "this amount.",
        "What is the secret ingredient of the stew, and how long does it simmer?",
        "The secret ingredient is smoked paprika, and the stew simmers for three hours.",
    ),
    (
        "The council of Eastmere met on Thursday evening. All eleven members were present in the hall. The mayor "
        "opened the session with a short report. First came the question of the old swimming pool. Repairs would cost "
        "more than two million. After a long debate the pool was closed for good. A new library is planned on the "
        "same site. Councillor Bright asked about the trees in Mill Road. They are to be felled in the autumn. The "
        "bus to the hospital will run every half hour. Several citizens protested against the end of the pool. Parking "
        "fees stay as they are this year. The library will be built where the pool stood. A grant of the county pays "
        "for most of it. The brass band received three hundred for new uniforms. Noise from the quarry was discussed "
        "once more. The minutes of the last meeting were approved. Two young members abstained from every vote. The "
        "treasurer warned of rising rates of interest. The session ended shortly before midnight.",
        "What did the council decide about the swimming pool, and what will be built there?",
        "The pool was closed for good, and a new library will be built on the site.",
    ),
    (
        "Hold the blue button until the lamp blinks twice. The pump is then ready to be filled. Use only clean water "
        "without any soap. The tank holds four litres and a half. A filter keeps sand out of the valve. The filter "
        "must be rinsed once a month. If the red lamp shines, the tank is empty. Unplug the device before you open "
        "the lid. The hose should not be longer than ten metres. Frost can crack the housing in a single night. Red "
        "light always means that there is no water left. Spare parts are listed on the last page. The motor is quiet "
        "and needs no oil. Put the pump on level ground in the shade. Rinse the filter every month, even when it looks "
        "clean. The warranty covers two years from the day of purchase. Do not pull the plug by its cable. Fish in "
        "the pond are not harmed by it. A timer can be bought separately. Old devices are collected by every dealer.",
        "What does the red lamp mean, and how often must the filter be rinsed?",
        "The red lamp means that the tank is empty, and the filter must be rinsed once a month.",
    ),
    (
        "My uncle Tobias never spoke about the war. He repaired clocks in a narrow shop near the station. As a young "
        "man he had sailed to Valparaiso. The shop smelled of oil and cold tobacco. On his desk lay a brass compass. "
        "He left me that compass when he died. Every clock in the window showed another hour. Customers found this "
        "charming and came back. He wrote letters to a woman called Elena. Elena lived in a white house above "
        "Valparaiso. Her replies arrived in thin blue envelopes. My mother kept silent whenever we asked. He wore the "
        "same grey coat in summer and winter. On Sundays we fed the swans together. The compass always pointed a "
        "little to the west. I keep it on my own desk today. His apprentice took over the shop in the end. The stamps "
        "from Chile went into my album. I never learned whether they met again. The station has been closed for years.",
        "What did Tobias leave the narrator, and where did Elena live?",
        "He left a brass compass, and Elena lived in a white house above Valparaiso.",
    ),
)

#: of the first five documents, the beginnings of the sentences that hold the answer or a part of it
HOLDING = (
    ("In winter the first sailing", "A return ticket", "From December on"),
    ("She learned the trade", "The oven is fired", "Signe taught her"),
    ("Grapefruit juice", "Never drink grapefruit", "The treatment usually", "After those four weeks"),
    ("Okoro scored", "Their goalkeeper Lindqvist", "It was his goal", "Lindqvist was carried"),
    ("The lift will be", "Parcels can be left", "Ten days without", "Mrs Adeyemi has"),
)
