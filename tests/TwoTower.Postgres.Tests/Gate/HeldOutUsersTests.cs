using TwoTower.Core.Quality;
using TwoTower.Core.Rows;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Gate;

public sealed class HeldOutUsersTests(PostgresFixture postgres)
{
    [Fact]
    public void The_place_of_a_user_is_the_documented_hash()
    {
        // printf 'held-out\x11\x11…' | sha256sum, of the id 11111111-1111-4111-8111-111111111111: the first 4 bytes ÷ 2³².
        var bytes = "held-out"u8.ToArray().Concat(Convert.FromHexString("11111111111141118111111111111111")).ToArray();
        var expected = Convert.ToUInt32(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(bytes))[..8], 16) / 4294967296.0;
        Assert.Equal(expected, UserShare.Of(Guid.Parse("11111111-1111-4111-8111-111111111111"), "held-out"));
    }

    [Fact]
    public async Task SQL_gives_every_user_the_same_place()
    {
        await using var db = await postgres.CreateDatabaseAsync();
        foreach (var salt in new[] { HeldOutUsers.Salt, "", "実験 7" })
        {
            var ids = Enumerable.Range(1, 500).Select(n => Guid.Parse($"{n * 2654435761:x16}".PadLeft(32, '7')[..32])).ToArray();
            await using var command = db.DataSource.CreateCommand("select id, two_tower.user_share(id, $2) from unnest($1) id");
            command.Parameters.Add(new() { Value = ids });
            command.Parameters.Add(new() { Value = salt });
            await using var row = await command.ExecuteReaderAsync();
            var seen = 0;
            for (; await row.ReadAsync(); seen++) Assert.Equal(UserShare.Of(row.GetGuid(0), salt), row.GetDouble(1));
            Assert.Equal(500, seen);
        }
    }

    [Fact]
    public void A_share_is_that_share_of_the_users_and_a_smaller_one_lies_within_it()
    {
        var random = new Random(1);
        var users = Enumerable.Range(0, 50_000).Select(_ =>
        {
            var bytes = new byte[16];
            random.NextBytes(bytes);
            return new Guid(bytes);
        }).ToList();
        var (two, ten) =
            (users.Where(user => HeldOutUsers.Contains(user, 0.02)).ToHashSet(),
                users.Where(user => HeldOutUsers.Contains(user, 0.1)).ToHashSet());
        Assert.InRange(two.Count, 1000 - 4 * 31, 1000 + 4 * 31); // four standard deviations, √(50,000 · .02 · .98) ≈ 31
        Assert.Subset(ten, two);
        Assert.DoesNotContain(users, user => HeldOutUsers.Contains(user, 0));
    }

    [Fact]
    public void Tables_without_them_have_neither_their_profiles_nor_their_decisions()
    {
        var users = Enumerable.Range(1, 300).Select(TestVideos.Id).ToList();
        var tables = new TableSet(
            [.. users.Select(user => new ProfileRow(user, null, null))], [],
            [.. users.Select(user => new DecisionRow(user, TestVideos.Id(1), DecisionType.Like, DateTimeOffset.UnixEpoch))]);
        var kept = users.Where(user => !HeldOutUsers.Contains(user, 0.2)).ToList();
        Assert.InRange(kept.Count, 200, 270);
        var without = HeldOutUsers.Without(tables, 0.2);
        Assert.Equal(kept, without.Profiles.Select(profile => profile.UserId));
        Assert.Equal(kept, without.Decisions.Select(decision => decision.UserId));
        Assert.Same(tables, HeldOutUsers.Without(tables, 0));
    }
}
