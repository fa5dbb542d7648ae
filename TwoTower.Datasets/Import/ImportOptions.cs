namespace TwoTower.Datasets.Import;

/// <summary>How files are read.</summary>
internal sealed record ImportOptions
{
    /// <summary>How many bad rows are left out at most; one more is an error.</summary>
    public int SkipBad { get; init; }

    /// <summary>Given a line for each row that was left out, of the first 100,000, once all is read.</summary>
    public Action<IReadOnlyList<string>>? LeftOut { get; init; }

    /// <summary>Tells which times are yet to come.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
