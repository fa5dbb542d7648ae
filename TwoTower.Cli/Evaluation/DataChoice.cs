using TwoTower.Cli.Hosting;
using TwoTower.Core;
using TwoTower.Core.Formats;
using TwoTower.Core.Rows;
using TwoTower.Datasets.Generation;
using TwoTower.Datasets.Import;
using TwoTower.Postgres.Tables;

namespace TwoTower.Cli.Evaluation;

/// <summary>Which rows are evaluated on: files of tables, MovieLens' own files, the made-up world, or else a database.</summary>
internal sealed record DataChoice(string? Folder, string? MovieLens, bool Generate, int? Users, int? Videos)
{
    /// <summary>Reads the rows.</summary>
    /// <param name="videoFeatures">Vectors of the videos that somebody will read from a database; null: all.</param>
    /// <param name="givenIds">Reads too what ids were made from, where a database knows it; files say it anyway.</param>
    /// <returns>The rows, and what they are, for tables and reports.</returns>
    public async Task<(TableSet Tables, string Name)> ReadAsync(
        Session session, IReadOnlyCollection<string>? videoFeatures = null, bool givenIds = false)
    {
        if (Folder is not null) return await FilesAsync(session, "--data", Folder, CsvTableReader.Read);
        if (MovieLens is not null) return await FilesAsync(session, "--movielens", MovieLens, ReadMovieLens);
        if (Generate)
        {
            // A day of its own: the same numbers tomorrow.
            var defaults = new GeneratorOptions { Anchor = new(2025, 6, 1, 0, 0, 0, TimeSpan.Zero) };
            var options = defaults with { Users = Users ?? defaults.Users, Videos = Videos ?? defaults.Videos };
            return (
                await Task.Run(() => CatalogueGenerator.Generate(options), session.Stop),
                $"made-up world, {Amounts.Count(options.Users)} users, {Amounts.Count(options.Videos)} videos");
        }

        var provided = await session.ProvideMigratedAsync();
        var tables = await TableReader.ReadAsync(session.Open(provided), videoFeatures, session.Stop, session.Terminal.Warn, givenIds);
        return (tables, $"database {DatabaseChoice.NameOf(provided.ConnectionString)}");
    }

    // Dumps of MovieLens' own files have the four columns that everybody's have: external_id and display_name hold the numbers.
    private static TableSet ReadMovieLens(string folder, Action<string>? say, ImportOptions? options)
    {
        var tables = MovieLensReader.Read(folder, say, options);
        return tables with
        {
            Profiles = [.. tables.Profiles.Select(row => row with { GivenId = null })],
            Videos = [.. tables.Videos.Select(row => row with { GivenId = null })],
        };
    }

    private static async Task<(TableSet, string)> FilesAsync(
        Session session, string option, string folder, Func<string, Action<string>?, ImportOptions?, TableSet> read)
    {
        if (!Directory.Exists(folder) && !File.Exists(folder)) throw new InputException($"{option} {folder}: there is no such folder or file");

        // As from a database (TableQueries.Decisions): what is dated ahead of now doesn't count.
        var tables = await Task.Run(
            () => read(folder, session.Terminal.Warn, new() { Time = session.Time }).WithoutAhead(session.Time.GetUtcNow()), session.Stop);
        return (tables, Path.GetFileName(Path.GetFullPath(folder).TrimEnd('/', '\\')));
    }
}
