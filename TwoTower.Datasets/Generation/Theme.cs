namespace TwoTower.Datasets.Generation;

/// <summary>A kind of video: what it is about, who makes it, what it costs. Users like some kinds and not others.</summary>
/// <param name="Name">The kind, also its first tag.</param>
/// <param name="Tags">Tags that such videos have, the commonest first.</param>
/// <param name="Nouns">What their titles are made of.</param>
/// <param name="Price">Usual price.</param>
/// <param name="Minutes">Usual length.</param>
/// <param name="Safety">Usual safety level.</param>
internal sealed record Theme(string Name, string[] Tags, string[] Nouns, int Price, int Minutes, short Safety = 0)
{
    public static readonly Theme[] All =
    [
        new("drama", ["family", "coming of age", "small town", "based on a novel", "tearjerker", "slow burn"], ["Harbour", "Orchard", "Letter", "Winter", "Promise", "Window"], 1800, 112),
        new("romance", ["love story", "second chance", "wedding", "seaside", "tearjerker", "letters"], ["Summer", "Serenade", "Lantern", "Garden", "Rain", "Waltz"], 1500, 104),
        new("comedy", ["slapstick", "workplace", "road trip", "misunderstanding", "family", "feel-good"], ["Uncle", "Vacation", "Wedding", "Neighbour", "Diner", "Mistake"], 1200, 95),
        new("thriller", ["conspiracy", "cat and mouse", "plot twist", "night", "chase", "slow burn"], ["Witness", "Alibi", "Deadline", "Corridor", "Signal", "Shadow"], 1900, 108, 1),
        new("mystery", ["detective", "locked room", "plot twist", "old mansion", "based on a novel", "whodunit"], ["Cipher", "Manor", "Inspector", "Key", "Portrait", "Clue"], 1700, 110),
        new("horror", ["haunted house", "found footage", "night", "supernatural", "survival", "cult"], ["Cellar", "Hollow", "Whisper", "Ritual", "Doll", "Fog"], 1400, 92, 1),
        new("science fiction", ["space opera", "robots", "time travel", "dystopia", "first contact", "spaceship"], ["Orbit", "Colony", "Machine", "Nebula", "Paradox", "Station"], 2200, 121),
        new("fantasy", ["magic", "dragons", "quest", "sword fight", "based on a novel", "kingdom"], ["Crown", "Dragon", "Spell", "Tower", "Forest", "Oath"], 2100, 126),
        new("action", ["martial arts", "car chase", "heist", "revenge", "chase", "explosions"], ["Strike", "Fury", "Blade", "Getaway", "Bullet", "Outlaw"], 2000, 106, 1),
        new("crime", ["heist", "gangsters", "undercover", "neo-noir", "revenge", "courtroom"], ["Syndicate", "Score", "Ledger", "Verdict", "Alley", "Kingpin"], 1900, 115, 1),
        new("documentary", ["true story", "interviews", "archive footage", "society", "science", "biography"], ["Century", "Archive", "Voices", "Factory", "River", "Question"], 900, 84),
        new("nature", ["wildlife", "ocean", "mountains", "slow tv", "birds", "science"], ["Glacier", "Reef", "Savannah", "Migration", "Forest", "Tide"], 800, 52),
        new("travel", ["trains", "street food", "islands", "backpacking", "slow tv", "hidden places"], ["Railway", "Island", "Bazaar", "Border", "Coast", "Passport"], 700, 46),
        new("cooking", ["street food", "baking", "noodles", "chef", "home cooking", "competition"], ["Kitchen", "Recipe", "Noodle", "Spice", "Table", "Bakery"], 600, 38),
        new("music", ["concert", "jazz", "backstage", "rock band", "biography", "piano"], ["Encore", "Quartet", "Chorus", "Tour", "Vinyl", "Melody"], 1100, 88),
        new("sports", ["football", "underdog", "training", "boxing", "competition", "biography"], ["Season", "Final", "Champion", "Round", "Coach", "Marathon"], 1000, 79),
        new("animation", ["hand-drawn", "talking animals", "family", "fairy tale", "feel-good", "magic"], ["Fox", "Balloon", "Moon", "Clockmaker", "Kite", "Snowflake"], 1600, 87),
        new("historical", ["war", "period costume", "empire", "biography", "sword fight", "court intrigue"], ["Empress", "Regiment", "Samurai", "Treaty", "Siege", "Throne"], 2000, 128),
        new("western", ["gunfight", "desert", "revenge", "frontier", "horses", "sheriff"], ["Canyon", "Marshal", "Saddle", "Dust", "Outpost", "Stranger"], 1100, 101, 1),
        new("musical", ["dance", "broadway", "feel-good", "love story", "stage", "jazz"], ["Curtain", "Spotlight", "Rhythm", "Ballroom", "Overture", "Cabaret"], 1500, 109),
    ];

    public static readonly string[] Adjectives =
    [
        "Last", "Quiet", "Crimson", "Broken", "Golden", "Hidden", "Distant", "Burning", "Silent", "Second", "Wild", "Pale", "Endless",
        "Forgotten", "Northern", "Paper", "Electric", "Borrowed", "Restless", "Blue",
    ];

    public static readonly string[] Places =
    [
        "Kyoto", "Lisbon", "the Sea", "Osaka", "Winter", "the North", "Havana", "Edinburgh", "the Desert", "Sapporo", "Marseille", "Tomorrow",
        "Glass", "Naples", "the Valley", "Seoul",
    ];

    /// <summary>Tags that any video may have.</summary>
    public static readonly string[] CommonTags = ["award winner", "subtitled", "remastered", "director's cut", "low budget", "female lead", "ensemble cast", "black and white"];

    public static readonly string[] GivenNames =
    [
        "Aiko", "Mateo", "Hana", "Lucas", "Yui", "Elena", "Kenji", "Sofia", "Ren", "Clara", "Daichi", "Ines", "Mio", "Oskar", "Nina",
        "Takumi", "Amara", "Leo", "Sakura", "Jonas", "Priya", "Hugo", "Emi", "Noor",
    ];

    public static readonly string[] FamilyNames =
    [
        "Tanaka", "Moreau", "Okafor", "Silva", "Hayashi", "Lindqvist", "Marlowe", "Sato", "Petrov", "Castillo", "Kimura", "Novak",
        "Ito", "Whitfield", "Nakamura", "Rossi", "Andersen", "Mori", "Delgado", "Fujita", "Brandt", "O'Neill", "Yamada", "Costa",
    ];

    public static readonly string[] MakerWords = ["Lantern", "Northlight", "Blue Heron", "Kestrel", "Paper Crane", "Ironwood", "Sunday", "Meridian", "Tide", "Clover"];
}
