return await TwoTower.Torture.TortureCommand.RunAsync(args);
