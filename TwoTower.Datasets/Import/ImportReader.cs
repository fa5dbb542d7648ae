using TwoTower.Core;

namespace TwoTower.Datasets.Import;

/// <summary>Opens files of any layout that can be imported.</summary>
internal static class ImportReader
{
    /// <summary>Opens a folder, or a zip archive of one.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="format">Its layout; null: found out.</param>
    /// <param name="map">A file that says what is what in it; null: it has a layout that is known.</param>
    /// <param name="say">Told what is left out or odd.</param>
    /// <param name="options">How; null: no bad row is left out.</param>
    /// <exception cref="InputException">The layout isn't known, or its files can't be read.</exception>
    public static ImportSet Open(string directory, ImportFormat? format, string? map, Action<string>? say, ImportOptions? options)
    {
        if (map is not null) return MappedReader.Open(directory, ImportMap.Read(map), Path.GetFileName(map), say, options);
        return (format ?? Recognise(directory)) switch
        {
            ImportFormat.MovieLens => MovieLensReader.Open(directory, say, options),
            ImportFormat.RecBole => RecBoleReader.Open(directory, say, options),
            _ => CsvTableReader.Open(directory, say, options),
        };
    }

    /// <summary>The layout of a folder, or of a zip archive of one.</summary>
    /// <exception cref="InputException">It is none that is known.</exception>
    public static ImportFormat Recognise(string directory)
    {
        using var source = SourceFolder.Open(directory);
        return ImportFormats.Recognise(source.Path) ?? throw new InputException(
            $"{directory} has no files of a layout that is known: one file a table (videos.csv, user_video_decisions.csv, …), MovieLens (ratings.csv with movies.csv, "
            + "ratings.dat, u.data) or RecBole (.inter). Name other files with --map map.json: docs/data.md.");
    }
}
