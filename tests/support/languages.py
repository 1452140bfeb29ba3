"""Short texts in seven languages, and sentences to tell the languages by; written for these tests."""
# ruff: noqa: RUF001 - full-width punctuation is that of the language

LEARNED = {
    "en": """
The market opens at seven, and the first customers are always the bakers from the next street. My sister wants to learn
how to repair old clocks. Every evening we walk along the river and count the boats. The children have built a house of
snow behind the school. She asked whether the train would be late again. It was raining when they left the village, but
nobody had thought of an umbrella. There is a small library where you can read the newspapers of the whole week. We
should have written to our grandmother before her birthday. The doctor said that he needs more sleep and less coffee.
What would you do with a thousand books and only one shelf?
""",
    "es": """
El mercado abre a las siete y los primeros clientes son siempre los panaderos de la calle de al lado. Mi hermana quiere
aprender a reparar relojes antiguos. Todas las tardes paseamos por la orilla del río y contamos los barcos. Los niños
han construido una casa de nieve detrás de la escuela. Ella preguntó si el tren llegaría tarde otra vez. Llovía cuando
salieron del pueblo, pero nadie había pensado en un paraguas. Hay una biblioteca pequeña donde se pueden leer los
periódicos de toda la semana. Deberíamos haber escrito a nuestra abuela antes de su cumpleaños. El médico dijo que
necesita dormir más y tomar menos café. ¿Qué harías tú con mil libros y un solo estante?
""",
    "de": """
Der Markt öffnet um sieben, und die ersten Kunden sind immer die Bäcker aus der Nachbarstraße. Meine Schwester möchte
lernen, wie man alte Uhren repariert. Jeden Abend gehen wir am Fluss entlang und zählen die Schiffe. Die Kinder haben
hinter der Schule ein Haus aus Schnee gebaut. Sie fragte, ob der Zug wieder zu spät kommen würde. Es regnete, als sie
das Dorf verließen, aber niemand hatte an einen Schirm gedacht. Es gibt eine kleine Bücherei, in der man die Zeitungen
der ganzen Woche lesen kann. Wir hätten unserer Großmutter vor ihrem Geburtstag schreiben sollen. Der Arzt sagte, dass
er mehr Schlaf und weniger Kaffee braucht. Was würdest du mit tausend Büchern und nur einem Regal machen?
""",
    "fr": """
Le marché ouvre à sept heures et les premiers clients sont toujours les boulangers de la rue voisine. Ma sœur veut
apprendre à réparer de vieilles horloges. Chaque soir nous marchons le long de la rivière et nous comptons les bateaux.
Les enfants ont construit une maison de neige derrière l'école. Elle a demandé si le train serait encore en retard. Il
pleuvait quand ils ont quitté le village, mais personne n'avait pensé à un parapluie. Il y a une petite bibliothèque où
l'on peut lire les journaux de toute la semaine. Nous aurions dû écrire à notre grand-mère avant son anniversaire. Le
médecin a dit qu'il a besoin de plus de sommeil et de moins de café. Que ferais-tu avec mille livres et une étagère ?
""",
    "it": """
Il mercato apre alle sette e i primi clienti sono sempre i fornai della strada accanto. Mia sorella vuole imparare a
riparare gli orologi antichi. Ogni sera camminiamo lungo il fiume e contiamo le barche. I bambini hanno costruito una
casa di neve dietro la scuola. Lei ha chiesto se il treno sarebbe arrivato di nuovo in ritardo. Pioveva quando hanno
lasciato il villaggio, ma nessuno aveva pensato a un ombrello. C'è una piccola biblioteca dove si possono leggere i
giornali di tutta la settimana. Avremmo dovuto scrivere a nostra nonna prima del suo compleanno. Il medico ha detto che
ha bisogno di più sonno e di meno caffè. Che cosa faresti con mille libri e uno scaffale solo?
""",
    "ja": """
市場は七時に開いて、最初のお客さんはいつも隣の通りのパン屋さんです。妹は古い時計の直し方を習いたいと言っています。私たちは毎晩、川に沿って歩きながら
船を数えます。子供たちは学校の裏に雪の家を作りました。電車がまた遅れるのかと彼女は聞きました。村を出たとき雨が降っていましたが、だれも傘のことを考えて
いませんでした。一週間の新聞が全部読める小さな図書館があります。祖母の誕生日の前に手紙を書くべきでした。お医者さんは、もっと眠ってコーヒーを
減らすようにと言いました。本が千冊あって棚が一つしかなかったら、あなたはどうしますか。
""",
    "zh": """
市场七点开门，最早的客人总是隔壁街上的面包师。我妹妹想学怎么修理旧钟表。我们每天晚上沿着河边散步，数河上的船。孩子们在学校后面用雪盖了一座房子。
她问火车是不是又要晚点了。他们离开村子的时候正在下雨，可是谁也没有想到带伞。那里有一个小图书馆，可以看到一个星期的所有报纸。我们应该在奶奶生日以前
给她写一封信。医生说他需要多睡觉，少喝咖啡。如果你有一千本书，却只有一个书架，你会怎么办？
""",
}
"""What a model of each language learns from, some ten sentences that say the same."""

TO_TELL = {
    "en": [
        "Where did you put the keys of the old house?",
        "They were walking through the garden with their brother.",
        "Nothing is better than a warm bath after work.",
        "He thinks that this would be the right thing to do.",
    ],
    "es": [
        "¿Dónde has puesto las llaves de la casa vieja?",
        "Ellos paseaban por el jardín con su hermano.",
        "No hay nada mejor que un baño caliente después del trabajo.",
        "Cree que esto sería lo más correcto para todos.",
    ],
    "de": [
        "Wo hast du die Schlüssel des alten Hauses hingelegt?",
        "Sie gingen mit ihrem Bruder durch den Garten.",
        "Nichts ist besser als ein warmes Bad nach der Arbeit.",
        "Er denkt, dass das die richtige Entscheidung wäre.",
    ],
    "fr": [
        "Où as-tu mis les clés de la vieille maison ?",
        "Ils marchaient dans le jardin avec leur frère.",
        "Rien ne vaut un bain chaud après le travail.",
        "Il pense que ce serait la meilleure chose à faire.",
    ],
    "it": [
        "Dove hai messo le chiavi della vecchia casa?",
        "Camminavano nel giardino con il loro fratello.",
        "Non c'è niente di meglio di un bagno caldo dopo il lavoro.",
        "Pensa che questa sarebbe la cosa giusta da fare.",
    ],
    "ja": [
        "今日は良い天気です",
        "古い家の鍵をどこに置きましたか。",
        "兄と一緒に庭を歩いていました。",
        "仕事のあとの温かいお風呂は最高です。",
        "それが正しいと彼は思っています。",
    ],
    "zh": [
        "今天天气很好",
        "你把旧房子的钥匙放在哪里了？",
        "他们跟哥哥一起在花园里散步。",
        "下班以后洗个热水澡最舒服。",
        "他觉得这样做是对的。",
    ],
}
"""Sentences in each language that it has not learned."""
