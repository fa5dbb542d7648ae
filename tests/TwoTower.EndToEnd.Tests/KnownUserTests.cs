using TwoTower.Cli.Commands;
using TwoTower.Core;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>Whom <c>twotower recommend USER</c> means: by the id that an import made the user's of, or by display name.</summary>
public sealed class KnownUserTests(PostgresFixture postgres)
{
    private const string Users = """
        alter table two_tower.given_user_ids drop constraint if exists given_user_ids_user_id_fkey;
        insert into public.profiles (user_id, display_name) values (md5('a')::uuid, 'Ann'), (md5('b')::uuid, 'Ben'), (md5('seven')::uuid, '7');
        insert into public.videos (id) values (md5('v')::uuid);
        insert into public.user_video_decisions (user_id, video_id, decision_type, created_at) values (md5('c')::uuid, md5('v')::uuid, 'like', '2025-01-01');
        insert into two_tower.given_user_ids values (md5('a')::uuid, '5'), (md5('b')::uuid, '5'), (md5('gone')::uuid, '7'), (md5('c')::uuid, '8'),
          (md5('gone2')::uuid, '8'), (md5('gone3')::uuid, '9');
        """;

    [Theory]
    [InlineData("7", "seven")] // the id's user is gone: the display name
    [InlineData("8", "c")] // one with a decision, and one who is gone
    [InlineData("Ann", "a")]
    public async Task The_one_user_that_is_there_is_found(string user, string expected)
    {
        await using var workplace = await ReadyAsync();
        var found = await KnownUser.FindAsync(workplace.Database.DataSource, user, TestContext.Current.CancellationToken);
        Assert.Equal(await workplace.Database.ScalarAsync<Guid>($"select md5('{expected}')::uuid"), found.Id);
    }

    [Fact]
    public async Task Several_users_with_an_id_are_told_and_an_id_of_nobody_is_refused()
    {
        await using var workplace = await ReadyAsync();
        var several = await Assert.ThrowsAsync<InputException>(() => KnownUser.FindAsync(workplace.Database.DataSource, "5", TestContext.Current.CancellationToken));
        Assert.StartsWith("several users have the id '5': give the user_id, such as ", several.Message, StringComparison.Ordinal);
        foreach (var id in await workplace.Database.ListAsync<Guid>("select user_id from public.profiles where display_name in ('Ann', 'Ben')"))
        {
            Assert.Contains($"{id}", several.Message, StringComparison.Ordinal);
        }

        var nobody = await Assert.ThrowsAsync<InputException>(() => KnownUser.FindAsync(workplace.Database.DataSource, "9", TestContext.Current.CancellationToken));
        Assert.Contains("'9' is neither", nobody.Message, StringComparison.Ordinal);
    }

    private async Task<Workplace> ReadyAsync()
    {
        var workplace = await Workplace.CreateAsync(postgres);
        await workplace.RunAsync("db", "migrate");
        await workplace.Database.ExecuteAsync(Users);
        return workplace;
    }
}
