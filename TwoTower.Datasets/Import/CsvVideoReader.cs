using TwoTower.Core.Formats;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>Makes rows of <c>videos</c> from a CSV file.</summary>
internal sealed class CsvVideoReader(TableFile file)
{
    private readonly CsvColumn _externalId = file.Column("external_id");
    private readonly CsvColumn _title = file.Column("title");
    private readonly CsvColumn _description = file.Column("description");
    private readonly CsvColumn _duration = file.Column("duration_seconds");
    private readonly CsvColumn _maker = file.Column("maker");
    private readonly CsvColumn _price = file.Column("price");
    private readonly CsvColumn _distribution = file.Column("distribution_started_at");
    private readonly CsvColumn _released = file.Column("product_released_at");
    private readonly CsvColumn _created = file.Column("created_at");
    private readonly CsvColumn _safety = file.Column("safety_level");
    private readonly CsvColumn _regions = file.Column("region_codes");
    private readonly CsvColumn _active = file.Column("is_active");
    private readonly (string Name, CsvColumn Column)[] _others =
        [.. VideoColumns.Other.Select(name => (name, file.Column(name))).Where(pair => pair.Item2.Exists)];

    /// <summary>The row at hand, without tags and performers.</summary>
    public VideoRow Row(Guid id)
    {
        var exact = new Dictionary<string, string?>();
        var row = new VideoRow
        {
            Id = id,
            ExternalId = _externalId.Text(),
            Title = _title.Text(),
            Description = _description.Text(),
            DurationSeconds = _duration.Int(),
            Maker = _maker.Text(),
            Price = Keep("price", _price.Decimal(out var price), price),
            DistributionStartedAt = Keep("distribution_started_at", _distribution.Time(out var distribution), distribution),
            ProductReleasedAt = Keep("product_released_at", _released.Time(out var released), released),
            CreatedAt = Keep("created_at", _created.Time(out var created), created),
            SafetyLevel = OrNull("safety_level", _safety, _safety.Short()) ?? 0,
            RegionCodes = Regions(exact),
            IsActive = OrNull("is_active", _active, _active.Bool()) ?? true,
            OtherColumns = Others(),
        };
        return exact.Count == 0 ? row : row with { Exact = exact };

        T? Keep<T>(string column, T? value, string? text) where T : struct
        {
            if (text is not null) exact.Add(column, text);
            return value;
        }

        // What nobody has set isn't "for everyone": the writer gives the database a NULL, or hides the video.
        T? OrNull<T>(string column, CsvColumn source, T? value) where T : struct
        {
            if (source.Exists && value is null) exact.Add(column, null);
            return value;
        }
    }

    private IReadOnlyList<string> Regions(Dictionary<string, string?> exact)
    {
        var regions = _regions.List(out var text);
        if (text is not null || (_regions.Exists && regions is null)) exact.Add("region_codes", text);
        return regions ?? [];
    }

    private Dictionary<string, string> Others()
    {
        var values = new Dictionary<string, string>();
        foreach (var (name, column) in _others)
        {
            var text = name switch
            {
                "image_urls" => column.Json(),
                "published_at" => column.Time(out var far) is { } time ? InstantText.Format(time) : far,
                _ => column.Text(),
            };
            if (text is not null) values.Add(name, text);
        }

        return values;
    }
}
