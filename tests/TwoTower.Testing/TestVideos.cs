using System.Globalization;

namespace TwoTower.Testing;

/// <summary>Videos in a test's database.</summary>
internal static class TestVideos
{
    /// <summary>The id of the n-th video, from 1: 00000000-0000-4000-8000-00000000000n in hexadecimal.</summary>
    public static Guid Id(int n) => Guid.Parse(string.Create(CultureInfo.InvariantCulture, $"00000000-0000-4000-8000-{n:x12}"));

    /// <summary>
    /// Inserts videos <paramref name="from"/>..<paramref name="to"/> with prices, durations, releases, and tags and performers of the golden
    /// vocabularies; some of them lack some of it.
    /// </summary>
    public static Task InsertAsync(TestDatabase db, int from, int to) => db.ExecuteAsync(string.Create(CultureInfo.InvariantCulture,
        $"""
        create or replace function pg_temp.id(n int) returns uuid language sql as
            $$ select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
        insert into public.videos (id, title, price, duration_seconds, product_released_at)
        select pg_temp.id(n), 'video ' || n,
            case when n % 7 > 0 then 100 + (n * 37) % 5000 end,
            case when n % 5 > 0 then 600 + (n * 101) % 7000 end,
            case when n % 11 > 0 then timestamptz '2025-06-01 00:00Z' - n % 700 * interval '1 day' end
        from generate_series({from}, {to}) n;
        insert into public.video_tags (video_id, tag_name)
        select distinct pg_temp.id(n), (array['drama', 'コメディ', 'space opera', 'ホラー', 'tag-00', 'tag-01', 'unknown'])[1 + (n * k) % 7]
        from generate_series({from}, {to}) n, generate_series(1, 3) k where n % 13 > 0;
        insert into public.video_performers (video_id, performer_name)
        select distinct pg_temp.id(n), (array['佐藤 花子', 'Ana Pérez', 'performer 01', 'nobody'])[1 + (n + k) % 4]
        from generate_series({from}, {to}) n, generate_series(1, 2) k where n % 3 > 0;
        """));
}
