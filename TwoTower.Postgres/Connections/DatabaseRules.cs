namespace TwoTower.Postgres.Connections;

/// <summary>Codes (SQLSTATE) that our own SQL raises with, each with a text for a person; <see cref="DatabaseErrors.RuleOf"/> reads them.</summary>
internal static class DatabaseRules
{
    /// <summary>A migration can't use a table of theirs.</summary>
    public const string UnusableTable = "TT001";

    /// <summary>Every code of the registry begins so: releases, their states, experiments.</summary>
    public const string Registry = "TT1";

    /// <summary>The release's state doesn't allow it.</summary>
    public const string WrongState = "TT101";

    /// <summary>There is no such release.</summary>
    public const string NoRelease = "TT104";

    /// <summary>Another release is active than the caller expected.</summary>
    public const string ActiveChanged = "TT105";

    /// <summary>Another experiment runs, or has the name.</summary>
    public const string OtherExperiment = "TT107";

    /// <summary>There is no such experiment.</summary>
    public const string NoExperiment = "TT108";

    /// <summary>The release that a search goes by was retired meanwhile.</summary>
    public const string StaleRelease = "TT201";

    /// <summary>No release is active.</summary>
    public const string NothingActive = "TT202";

    /// <summary>There is no such video.</summary>
    public const string NoVideo = "TT203";

    /// <summary>The video has no vector yet.</summary>
    public const string NoVector = "TT204";
}
