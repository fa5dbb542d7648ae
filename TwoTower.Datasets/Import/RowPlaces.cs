namespace TwoTower.Datasets.Import;

/// <summary>Finds a row's file and line again, for a message about what came of it later.</summary>
internal static class RowPlaces
{
    /// <summary>Where the first row with an id is, such as <c>videos.csv, line 3</c>; null where none is.</summary>
    /// <param name="file">Read from its beginning, and closed; null: there is none.</param>
    /// <param name="column">The column of the ids.</param>
    /// <param name="id">The id that is looked for.</param>
    /// <param name="read">Makes an id of the column.</param>
    public static string? Find(TableFile? file, string column, Guid id, Func<CsvColumn, Guid?> read)
    {
        if (file is null) return null;
        using (file)
        {
            var ids = file.Column(column, required: true);
            while (true)
            {
                try
                {
                    if (!file.Read()) return null;
                    if (read(ids) == id) return file.Place;
                }
                catch (BadRowException)
                {
                    // Left out with --skip-bad, and told.
                }
            }
        }
    }
}
