namespace TwoTower.Embedding.Texts;

/// <summary>How texts of videos become vectors.</summary>
internal sealed record EmbedTextOptions
{
    /// <summary>A sentence model: a folder, or an <c>.onnx</c> file.</summary>
    public required string Model { get; init; }

    /// <summary>Its tokenizer, a file or a folder; null: beside the model.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Name of the vectors in <c>two_tower.video_features</c>.</summary>
    public string Name { get; init; } = "title";

    /// <summary>Columns of <c>videos</c> that make up a text, in this order, a space between two.</summary>
    public IReadOnlyList<string> Columns { get; init; } = ["title", "description"];

    /// <summary>Put before every text, as some models want it ("passage: ").</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Tokens of a text at most; null: as the model's files say.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How tokens become one vector; null: as the model says.</summary>
    public Pooling? Pooling { get; init; }

    /// <summary>CPU threads; 0: all cores.</summary>
    public int Threads { get; init; }

    /// <summary>Also vectors of this name that were made elsewhere are replaced.</summary>
    public bool Replace { get; init; }

    /// <summary>Videos that are read, embedded and committed together.</summary>
    public int ChunkRows { get; init; } = 128;

    /// <summary>Texts in one run of the network.</summary>
    public int BatchRows { get; init; } = 32;
}
