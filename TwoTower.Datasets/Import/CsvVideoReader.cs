using TwoTower.Core.Formats;
using TwoTower.Core.Rows;

namespace TwoTower.Datasets.Import;

/// <summary>Makes rows of <c>videos</c> from a CSV file.</summary>
/// <param name="column">Finds a column of <c>videos</c> in the file.</param>
/// <param name="oddYear">Told of a row whose <c>product_released_at</c> is no time, which is null then; null: that is an error.</param>
internal sealed class CsvVideoReader(Func<string, CsvColumn> column, Action<CsvColumn>? oddYear = null)
{
    private readonly CsvColumn _externalId = column("external_id");
    private readonly CsvColumn _title = column("title");
    private readonly CsvColumn _description = column("description");
    private readonly CsvColumn _duration = column("duration_seconds");
    private readonly CsvColumn _maker = column("maker");
    private readonly CsvColumn _price = column("price");
    private readonly CsvColumn _distribution = column("distribution_started_at");
    private readonly CsvColumn _released = column("product_released_at");
    private readonly CsvColumn _created = column("created_at");
    private readonly CsvColumn _safety = column("safety_level");
    private readonly CsvColumn _regions = column("region_codes");
    private readonly CsvColumn _active = column("is_active");
    private readonly (string Name, CsvColumn Column)[] _others =
        [.. VideoColumns.Other.Select(name => (name, column(name))).Where(pair => pair.Item2.Exists)];

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
            ProductReleasedAt = Keep("product_released_at", _released.TimeOrYear(out var released, oddYear), released),
            CreatedAt = Keep("created_at", _created.Time(out var created), created),
            SafetyLevel = OrNull("safety_level", _safety, _safety.Short()) ?? 0,
            RegionCodes = Regions(exact),
            IsActive = OrNull("is_active", _active, _active.Bool()) ?? true,
            OtherColumns = Others(),
        };
        return exact.Count == 0 ? row : row with { Exact = exact };

        T? Keep<T>(string name, T? value, string? text) where T : struct
        {
            if (text is not null) exact.Add(name, text);
            return value;
        }

        // What nobody has set isn't "for everyone": the writer gives the database a NULL, or hides the video.
        T? OrNull<T>(string name, CsvColumn source, T? value) where T : struct
        {
            if (source.Exists && value is null) exact.Add(name, null);
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
        foreach (var (name, other) in _others)
        {
            var text = name switch
            {
                "image_urls" => other.Json(),
                "published_at" => other.Time(out var far) is { } time ? InstantText.Format(time) : far,
                _ => other.Text(),
            };
            if (text is not null) values.Add(name, text);
        }

        return values;
    }
}
