namespace TwoTower.Datasets.Import;

/// <summary>A layout of files that can be imported.</summary>
internal enum ImportFormat
{
    /// <summary>One file a table: profiles, videos, decisions.</summary>
    Tables,

    /// <summary>MovieLens as GroupLens publishes it.</summary>
    MovieLens,

    /// <summary>RecBole's atomic files.</summary>
    RecBole,
}

/// <summary>Tells layouts of files apart.</summary>
internal static class ImportFormats
{
    /// <summary>True for the name of a file that a reader of one of the layouts may take.</summary>
    public static bool IsData(string file) => TableFiles.IsOne(file) || MovieLensFormat.IsOne(file) || RecBoleReader.IsOne(file);

    /// <summary>The layout of a folder; null when it is none that is known.</summary>
    public static ImportFormat? Recognise(string directory)
    {
        if (TableFiles.Exists(directory, "user_video_decisions") || TableFiles.Exists(directory, "profiles")) return ImportFormat.Tables;
        if (MovieLensFormat.IsIn(directory)) return ImportFormat.MovieLens;
        return RecBoleReader.IsIn(directory) ? ImportFormat.RecBole : TableFiles.Exists(directory, "videos") ? ImportFormat.Tables : null;
    }
}
