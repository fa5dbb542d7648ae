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
    public static ImportSet Open(string directory, ImportFormat? format, string? map, Action<string>? say, ImportOptions? options) =>
        map is null
            ? SourceFolder.Open(directory, source => Open(source, format ?? Recognise(source), say, options))
            : MappedReader.Open(directory, ImportMap.Read(map), Path.GetFileName(map), say, options);

    private static ImportSet Open(SourceFolder source, ImportFormat format, Action<string>? say, ImportOptions? options)
    {
        var set = format switch
        {
            ImportFormat.MovieLens => MovieLensReader.Open(source, say, options),
            ImportFormat.RecBole => RecBoleReader.Open(source, say, options),
            _ => CsvTableReader.Open(source, say, options),
        };
        set.Format = format;
        return set;
    }

    private static ImportFormat Recognise(SourceFolder source) => ImportFormats.Recognise(source.Path) ?? throw new InputException(
            $"{source.Name} has no files of a layout that is known: one file a table (videos.csv, user_video_decisions.csv, …), MovieLens (ratings.csv with movies.csv, "
            + "ratings.dat, u.data) or RecBole (.inter). Name other files with --map map.json: docs/data.md.");
}
