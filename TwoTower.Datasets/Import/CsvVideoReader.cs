using TwoTower.Core.Formats;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>Makes rows of <c>videos</c> from a CSV file.</summary>
internal sealed class CsvVideoReader(CsvFile file)
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
    public VideoRow Row(Guid id) => new()
    {
        Id = id,
        ExternalId = _externalId.Text(),
        Title = _title.Text(),
        Description = _description.Text(),
        DurationSeconds = _duration.Int(),
        Maker = _maker.Text(),
        Price = _price.Decimal(),
        DistributionStartedAt = _distribution.Time(),
        ProductReleasedAt = _released.Time(),
        CreatedAt = _created.Time(),
        SafetyLevel = _safety.Short() ?? 0,
        RegionCodes = _regions.List() ?? [],
        IsActive = _active.Bool() ?? true,
        OtherColumns = Others(),
    };

    private Dictionary<string, string> Others()
    {
        var values = new Dictionary<string, string>();
        foreach (var (name, column) in _others)
        {
            var text = name switch
            {
                "image_urls" => column.Json(),
                "published_at" => column.Time() is { } time ? Instant.Format(time) : null,
                _ => column.Text(),
            };
            if (text is not null) values.Add(name, text);
        }

        return values;
    }
}
