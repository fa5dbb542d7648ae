using Npgsql;
using TwoTower.Core;
using TwoTower.Embedding.Encoding;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>Videos that row-level security hides from whoever embeds.</summary>
public sealed class HiddenRowsTests(PostgresFixture postgres) : EmbedJobSetup(postgres)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_role_that_a_policy_hides_videos_from_embeds_no_part_and_is_told_what_helps(bool rpc)
    {
        var embedded = await RegisterAsync(rpc: rpc);
        await Job.RunAsync(embedded.ModelVersion, Options with { Activate = true, SyncPublicTable = false });
        var release = await RegisterAsync(seed: 2, rpc: rpc);
        var role = $"embedder_{Guid.NewGuid():N}";
        await Db.ExecuteAsync($"""
            alter table videos enable row level security;
            create policy part on videos for select using (title < 'video 2');
            create role {role} login password '{role}' nosuperuser;
            grant usage, create on schema public, two_tower to {role};
            grant all on all tables in schema public, two_tower to {role}; grant all on all sequences in schema public, two_tower to {role};
            """);
        try
        {
            await using var source = DataSources.Create(new NpgsqlConnectionStringBuilder(Db.ConnectionString) { Username = role, Password = role }.ConnectionString);
            var (vectors, ids) = (await ReleaseVectors.OpenAsync(source, embedded), await VideoEmbedder.AllVideosAsync(Db.DataSource, default));
            Func<Task>[] reads =
            [
                () => new EmbedJob(source, TimeProvider.System).RunAsync(release.ModelVersion, Options),
                () => VideoEmbedder.AllVideosAsync(source, default),
                () => new ItemSource(rpc, "").ReadAsync(source, ids, default),
                () => vectors.MissingAsync(ids),
                () => vectors.WithoutVectorAsync(10),
                () => vectors.WithoutVideoAsync(), // their vectors would go
                () => new ReleaseGate(source, new()).RunAsync(embedded, null, "test"),
            ];
            foreach (var read in reads)
            {
                var refusal = await Assert.ThrowsAsync<InputException>(read);
                Assert.Contains("Row-level security hides rows of public.videos from user", refusal.Message, StringComparison.Ordinal);
                Assert.Contains($"alter role \"{role}\" bypassrls", refusal.Message, StringComparison.Ordinal);
            }

            Assert.NotEqual(ReleaseState.Ready, (await Store.GetAsync(release.ModelVersion)).State);
        }
        finally
        {
            await Db.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }
}
