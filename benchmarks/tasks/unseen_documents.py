"""Ten documents of ten sentences, each with a question and an answer that several carry. Nothing is chosen on them."""

from __future__ import annotations

__all__ = ["DOCUMENTS"]

#: document, question, answer
DOCUMENTS = (
    (
        "The cable car at Vintra was built in 1931. It climbs to the plateau in eleven minutes. Each cabin holds "
        "twenty people. When the wind is strong, no cabin leaves the valley. The plateau has a hut and a small "
        "chapel. On windy days hikers take the north path. The north path needs about three hours. A brass bell "
        "hangs above the door of the hut. Tickets are sold until five. Snow lies there until the end of May.",
        "How do hikers reach the plateau when the wind is strong, and how long do they need?",
        "When the wind is strong they take the north path, and need about three hours.",
    ),
    (
        "Professor Ilse Brand studies the songs of thrushes. She keeps her records in a shed by the lake. Her first"
        " microphone came from a ship. The young birds learn their songs from a neighbour. She found this out in "
        "the spring of 1988. No father was near the nest in that year. The tapes are copied every ten years. A "
        "student draws the songs as curves. Some curves look like mountains. The lake is closed to boats.",
        "From whom do young thrushes learn their songs, and when did Brand find this out?",
        "They learn them from a neighbour, which Brand found out in the spring of 1988.",
    ),
    (
        "The new tram line begins at the harbour. It has nine stops. The fourth stop is the hospital. Visitors of "
        "the hospital should get off at Linden Square. From Linden Square a covered walk leads to the main door. "
        "The trams are green and white. A ride costs two crowns. The hospital stop itself is closed for repairs. "
        "The repairs will last until autumn. Drivers are trained in a hall near the depot.",
        "Where should visitors of the hospital get off, and why?",
        "They should get off at Linden Square, because the hospital stop is closed for repairs.",
    ),
    (
        "Orla Finch bought the lighthouse for one pound. The lamp had been dark for twenty years. She repaired the "
        "stairs with oak from a wreck. The wreck lies on the beach below. Guests sleep in the room under the lamp. "
        "Breakfast is brought up in a basket. The basket hangs on a rope. In storms the sea reaches the garden "
        "wall. Her dog is afraid of gulls. The lamp was lit again on her fiftieth birthday.",
        "What did the lighthouse cost, and where did the wood for the stairs come from?",
        "It cost one pound, and the wood for the stairs came from a wreck.",
    ),
    (
        "Members may borrow five tools at a time. A loan lasts for two weeks. The drill is lent for three days "
        "only. Late tools cost one crown a day. The library is open on Tuesdays and Saturdays. Broken tools are "
        "repaired without charge. Whoever loses a tool pays half of its price. The ladder has to be carried by two "
        "people. Power tools, such as the drill, need a short course. The course is held on the first Saturday of a"
        " month.",
        "For how long is the drill lent, and what does one need to borrow it?",
        "The drill is lent for three days, and one needs a short course.",
    ),
    (
        "The river Sella rises in a forest of beeches. Its water is brown from the leaves. Trout were put into it "
        "in 1960. A mill once stood at the second bend. The bridge was washed away by the flood of 1997. Today "
        "people cross the river on stepping stones. A new bridge was promised and never built. Children count "
        "forty-one stones. Otters have come back to the lower meadows. The fish are tame.",
        "How do people cross the Sella today, and what happened to the bridge?",
        "They cross it on stepping stones, because the bridge was washed away by the flood of 1997.",
    ),
    (
        "Take the syrup only after a meal. One spoon is enough for a child of six. Adults take two spoons. Shake "
        "the bottle well. The syrup tastes of cherries. An open bottle keeps for one month. After that month it has"
        " to be thrown away. Do not drive for two hours after taking it. It may make you sleepy. The cap can be "
        "used as a measure.",
        "Why should one not drive after taking the syrup, and how long does an open bottle keep?",
        "It may make you sleepy, and an open bottle keeps for one month.",
    ),
    (
        "The orchestra of Harrow plays in an old swimming bath. The violins sit where the deep end was. Water still"
        " runs behind the tiles. The conductor is a retired baker. He beats time with a wooden spoon. Concerts "
        "begin at six, so that children can come. The roof was paid for by a lottery. Every ticket won a loaf of "
        "bread. In winter the audience brings blankets. The oldest player is ninety.",
        "Where does the orchestra play, and what does the conductor use to beat time?",
        "It plays in an old swimming bath, and the conductor beats time with a wooden spoon.",
    ),
    (
        "The first clock of the town hall had one hand. It was made by a locksmith called Jost. People read the "
        "time to the nearest quarter. In 1744 a second hand was added. The locksmith's grandson did that work. The "
        "bell was cast from old coins. It cracked in a cold night. Since then the hours are struck by a drum. The "
        "drum is kept in the tower. Tourists may beat it at noon.",
        "Who added the second hand, and why are the hours struck by a drum?",
        "The locksmith's grandson added it, and the hours are struck by a drum since the bell cracked.",
    ),
    (
        "Greta Holm left the bank to grow pears. Her orchard has four hundred trees. Half of them were planted by "
        "her uncle. The pears are pressed in October. The juice is sold at the gate. Wasps are the worst of her "
        "worries. She hangs up jars of beer against them. Frost took the whole crop in 2017. In that year she went "
        "back to the bank. She stayed there for nine months.",
        "Why did Greta Holm go back to the bank, and how long did she stay?",
        "She went back because frost took the whole crop, and she stayed for nine months.",
    ),
)
